"""What several stages do to strings."""

from __future__ import annotations

import unicodedata
from functools import cache

import polars as pl


def comparison_form(text: str) -> str:
    """`text` without case, accents, punctuation and spacing: what two copies have in common.

    >>> comparison_form("Où est-il ?") == comparison_form("ou est il")
    True
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    words = unicodedata.normalize("NFC", decomposed.translate(_FOLD)).split()
    return " ".join(words)


class _Fold(dict[int, str | None]):
    """For `str.translate`: what becomes of a character, found out when it first occurs."""

    def __missing__(self, code: int) -> str | None:
        # Accents of Latin, Greek and Cyrillic go; the vowel signs of Indic scripts (Mc, and Mn
        # outside the combining diacritics block) carry the word and stay.
        char = chr(code)
        kept = char if is_word(char) else " "
        self[code] = None if 0x300 <= code <= 0x36F else kept
        return self[code]


_FOLD = _Fold()


def comparison_forms(texts: pl.Series) -> pl.Series:
    """`comparison_form` of many texts at once, several times as fast; null stays null.

    >>> comparison_forms(pl.Series(["Où est-il ?", None])).to_list()
    ['ou est il', None]
    """
    small = pl.col("text").str.to_lowercase()
    folded = small.str.replace_many(list(_folds()), list(_folds().values()))
    stripped = folded.str.normalize("NFKD").str.replace_all("[\u0300-\u036f]", "")
    # ASCII and common punctuation have nothing to fold or to decompose
    plain = pl.col("text").str.contains(r"^[\x00-\x7f\u2010-\u2027]*$")
    frame = pl.DataFrame({"text": texts.cast(pl.String)}).with_row_index()
    parts = (
        frame.filter(plain).with_columns(small),
        frame.filter(~plain).with_columns(stripped.str.normalize("NFC")),
    )
    words = pl.col("text").str.replace_all(r"[^\p{L}\p{N}\p{M}]+", " ").str.strip_chars(" ")
    whole = pl.concat([*parts, frame.filter(pl.col("text").is_null())]).sort("index")
    return whole.select(words).to_series()


@cache
def _folds() -> dict[str, str]:
    """What case folding does to characters beyond making them small: "ß" becomes "ss"."""
    small = (chr(code).lower() for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    return {text: text.casefold() for text in small if text.casefold() != text}


def is_word(char: str) -> bool:
    """Whether `char` belongs to a word: a letter, a digit, or a mark such as a vowel sign."""
    return unicodedata.category(char)[0] in "LNM"


def has_letters(text: str) -> bool:
    """Whether there is anything to translate: a letter of any script."""
    return any(char.isalpha() for char in text)


def counted(number: int, name: str) -> str:
    """A number and what it counts.

    >>> counted(1, "question"), counted(1200, "question")
    ('1 question', '1,200 questions')
    """
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds in words, in the two largest units.

    >>> duration(3.21), duration(75), duration(7384)
    ('3.2 s', '1 min 15 s', '2 h 3 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def size(count: int) -> str:
    """Bytes in words.

    >>> size(12), size(34_500), size(2_500_000_000)
    ('12 B', '34.5 kB', '2.5 GB')
    """
    value, units = float(count), ["B", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:,.1f} {units[0]}"


def percent(part: float, whole: float) -> str:
    """A share, with a digit after the point where it is near to none or to all; "–" of nothing.

    >>> percent(1, 200), percent(27, 100), percent(199, 200), percent(0, 0)
    ('0.5 %', '27 %', '99.5 %', '–')
    """
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f} %" if 0 < share < 10 or 90 < share < 100 else f"{share:.0f} %"
