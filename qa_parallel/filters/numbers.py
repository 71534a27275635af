"""Numbers, addresses and codes: the same ones must stand in a text and in its translation.

A translator may write a number out, so one that is missing says nothing, and one that is new
neither. One missing and another new in its place is a changed number.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import polars as pl

# Of what the source has and what the target has, how many were changed.
Changed = Callable[[Sequence[str], Sequence[str]], int]

# Runs of decimal digits of any script; separators part them, since they differ by language.
_DIGITS = r"\p{Nd}+"
# URLs, e-mail addresses, and codes such as H5N1 or COVID-19.
_CODE = (
    r"(?:https?://|www\.)[^\s<>\"]*[\w/]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    # ASCII's word boundaries: those of Unicode are slow to find
    r"|(?-u:\b)[A-Z]+-?[0-9][A-Z0-9]*(?:-[A-Z0-9]+)*(?-u:\b)"
)


def changes(target: pl.Series, source: pl.Series) -> pl.DataFrame:
    """Columns `numbers` and `codes`: the share of the source's that the target has changed.

    >>> changes(pl.Series(["१२ या 13"]), pl.Series(["12 or 14"]))["numbers"].to_list()
    [0.5]
    """
    return pl.DataFrame(
        [
            _compare(target, source, _DIGITS, changed_numbers).alias("numbers"),
            _compare(target, source, _CODE, changed_codes).alias("codes"),
        ]
    )


def _compare(target: pl.Series, source: pl.Series, pattern: str, changed: Changed) -> pl.Series:
    """`changed` of what the pattern finds on both sides, asked only where the two differ."""
    found = pl.DataFrame({"target": target, "source": source}).select(
        pl.all().str.extract_all(pattern)
    )
    differ = found.with_row_index().filter(
        pl.all_horizontal(pl.col("target", "source").list.len() > 0),
        pl.col("target") != pl.col("source"),
    )
    # Most of these only stand in another order.
    differ = differ.filter(pl.col("target").list.sort() != pl.col("source").list.sort())
    counts = [
        changed(old, new) / len(old)
        for old, new in zip(differ["source"].to_list(), differ["target"].to_list(), strict=True)
    ]
    return pl.zeros(len(target), dtype=pl.Float32, eager=True).scatter(differ["index"], counts)


def changed_numbers(source: Sequence[str], target: Sequence[str]) -> int:
    """How many numbers of `source` have been changed into another one in `target`.

    Parameters are runs of digits in their order. The same number may be parted otherwise
    ("10,000" and "10 000"), be counted in thousands or lakhs ("150,000" and "15"), be the short
    form of a year ("1990s" and "90"), and one hour of the clock may be written as another ("9 pm"
    and "21").

    >>> changed_numbers(["5", "1990"], ["5", "1991"])
    1
    >>> changed_numbers(["9", "30"], ["21", "30"])
    0
    """
    old, new = [_ascii(text) for text in source], [_ascii(text) for text in target]
    missing, added = _left(old, new), _left(new, old)
    if not missing or not added or _same("".join(missing), "".join(added)):
        return 0
    for text in list(missing):
        match = next((other for other in added if _same(text, other)), None)
        if match is not None:
            missing.remove(text)
            added.remove(match)
    _remove_parts(missing, added)
    _remove_parts(added, missing)
    return min(len(missing), len(added))


def changed_codes(source: Sequence[str], target: Sequence[str]) -> int:
    """How many addresses and codes of `source` have been changed into another one in `target`."""
    old, new = [text.casefold() for text in source], [text.casefold() for text in target]
    return min(len(_left(old, new)), len(_left(new, old)))


@lru_cache(maxsize=1 << 16)
def _ascii(digits: str) -> str:
    return "".join(str(unicodedata.digit(char, 0)) for char in digits)


@lru_cache(maxsize=1 << 16)
def _value(digits: str) -> str:
    return digits.lstrip("0")


def _left(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """What `texts` has and `others` has not, in its order; zeros in front make no difference."""
    spare = Counter(map(_value, others))
    left = []
    for text in texts:
        value = _value(text)
        if spare[value]:
            spare[value] -= 1
        else:
            left.append(text)
    return left


def _same(one: str, other: str) -> bool:
    """Whether two runs of digits may stand for one number."""
    short, long = sorted((one, other), key=len)
    if one == other:
        return True
    if long.startswith(short) and len(long) - len(short) >= 3 and not long[len(short) :].strip("0"):
        return True
    if len(long) == 4 and len(short) == 2 and long.endswith(short):
        return True
    if len(long) > 2:
        return False
    return abs(int(one) - int(other)) == 12 and max(int(one), int(other)) <= 24


def _remove_parts(wholes: list[str], parts: list[str]) -> None:
    """Take away each whole that neighbours among `parts` spell together, and those neighbours."""
    for whole in list(wholes):
        for start in range(len(parts)):
            ends = range(start + 2, len(parts) + 1)
            end = next((end for end in ends if "".join(parts[start:end]) == whole), None)
            if end is not None:
                wholes.remove(whole)
                del parts[start:end]
                break
