"""Numbers, addresses and codes: the same ones must stand in a text and in its translation.

A translator may write a number out, so one that is missing says nothing, and one that is new
neither. One missing and another new in its place is a changed number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from qa_parallel.filters.characters import Characters, Hashes, Ints, scramble, table

# Decimal digits of any script; separators part runs of them, since they differ by language.
_DIGIT = r"\p{Nd}"
# URLs, e-mail addresses, and codes such as H5N1 or COVID-19.
_CODE = (
    r"(?:https?://|www\.)[^\s<>\"]*[\w/]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    # ASCII's word boundaries: those of Unicode are slow to find
    r"|(?-u:\b)[A-Z]+-?[0-9][A-Z0-9]*(?:-[A-Z0-9]+)*(?-u:\b)"
)
# What every one of them has; much sooner found.
_CODED = r"://|www\.|@|[A-Z]-?[0-9]"


def changes(
    target: pl.Series,
    source: pl.Series,
    characters: tuple[Characters, Characters] | None = None,
) -> pl.DataFrame:
    """Columns `numbers` and `codes`: the share of the source's that the target has changed.

    Parameters
    ----------
    characters:
        Those of both sides. None = not at hand yet.

    >>> changes(pl.Series(["१२ या 13"]), pl.Series(["12 or 14"]))["numbers"].to_list()
    [0.5]
    """
    if characters is None:
        new, old = (Characters.of(side.fill_null("").to_list()) for side in (target, source))
        characters = new, old
    return pl.DataFrame([_numbers(*characters), _codes(target, source)])


def _numbers(target: Characters, source: Characters) -> pl.Series:
    """The share of numbers that are changed, asked only where the two sides differ in them."""
    new, old = _Runs.of(target), _Runs.of(source)
    both = (new.counts > 0) & (old.counts > 0)
    shares = np.zeros(len(target), dtype=np.float32)
    for place in np.flatnonzero(both & (new.sums != old.sums)).tolist():
        numbers = old.texts(place)
        shares[place] = changed_numbers(numbers, new.texts(place)) / len(numbers)
    return pl.Series("numbers", shares)


def _codes(target: pl.Series, source: pl.Series) -> pl.Series:
    """The share of addresses and codes that are changed, asked only where both sides have some."""
    found = (
        pl.DataFrame({"target": target, "source": source})
        .with_row_index()
        .filter(pl.col("source").str.contains(_CODED))
        .filter(pl.col("target").str.contains(_CODED))
        .with_columns(pl.col("target", "source").str.extract_all(_CODE))
        .filter(pl.all_horizontal(pl.col("target", "source").list.len() > 0))
    )
    shares = [
        changed_codes(old, new) / len(old)
        for old, new in zip(found["source"].to_list(), found["target"].to_list(), strict=True)
    ]
    zeros = pl.zeros(len(target), dtype=pl.Float32, eager=True)
    return zeros.scatter(found["index"], shares).alias("codes")


@dataclass(frozen=True)
class _Runs:
    """Runs of digits of many texts: text i has `counts[i]` of them, the first at `firsts[i]`.

    `digits` are those of all runs, in ASCII; run k is `digits[starts[k]:ends[k]]`. Texts with the
    same numbers have the same `sums`, whatever their order and the zeros in front of them.
    """

    digits: str
    starts: Ints
    ends: Ints
    counts: Ints
    firsts: Ints
    sums: Hashes

    @classmethod
    def of(cls, characters: Characters) -> _Runs:
        places = np.flatnonzero(characters.where(_DIGIT))
        values = _digits()[characters.codes[places]]
        owners = characters.owners[places]
        begins = np.ones(len(places), dtype=bool)
        begins[1:] = (np.diff(places) > 1) | (np.diff(owners) > 0)
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(places))[: len(starts)]
        counts = np.bincount(owners[starts], minlength=len(characters))
        sums = np.zeros(len(characters), dtype=np.uint64)
        if len(starts):
            lengths = ends - starts
            behind = np.repeat(ends, lengths) - np.arange(len(places)) - 1
            powers = np.cumprod(np.append(np.uint64(1), np.full(lengths.max(), np.uint64(10))))
            # The numbers themselves; of those from 2^64 on what 64 bits hold.
            numbers = np.add.reduceat(values * powers[behind], starts)
            np.add.at(sums, owners[starts], scramble(numbers + np.uint64(1)))
        digits = (values + np.uint64(ord("0"))).astype(np.uint8).tobytes().decode("ascii")
        return cls(digits, starts, ends, counts, np.cumsum(counts) - counts, sums)

    def texts(self, place: int) -> list[str]:
        """The runs of one text."""
        runs = slice(self.firsts[place], self.firsts[place] + self.counts[place])
        bounds = zip(self.starts[runs].tolist(), self.ends[runs].tolist(), strict=True)
        return [self.digits[start:end] for start, end in bounds]


@cache
def _digits() -> Hashes:
    """For each code point that is a decimal digit its value, else 0."""
    codes = np.flatnonzero(table(_DIGIT))
    values = np.zeros(len(table(_DIGIT)), dtype=np.uint64)
    values[codes] = [unicodedata.digit(chr(code), 0) for code in codes.tolist()]
    return values


def changed_numbers(source: Sequence[str], target: Sequence[str]) -> int:
    """How many numbers of `source` have been changed into another one in `target`.

    Parameters are runs of ASCII digits in their order. The same number may be parted otherwise
    ("10,000" and "10 000"), be counted in thousands or lakhs ("150,000" and "15"), be the short
    form of a year ("1990s" and "90"), and one hour of the clock may be written as another ("9 pm"
    and "21").

    >>> changed_numbers(["5", "1990"], ["5", "1991"])
    1
    >>> changed_numbers(["9", "30"], ["21", "30"])
    0
    """
    missing, added = _left(source, target), _left(target, source)
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


def _left(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """What `texts` has and `others` has not, in its order; zeros in front make no difference."""
    spare: dict[str, int] = {}
    for other in others:
        value = other.lstrip("0")
        spare[value] = spare.get(value, 0) + 1
    left = []
    for text in texts:
        value = text.lstrip("0")
        count = spare.get(value, 0)
        if count:
            spare[value] = count - 1
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
