"""What several stages do to strings."""

from __future__ import annotations

import unicodedata


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


def is_word(char: str) -> bool:
    """Whether `char` belongs to a word: a letter, a digit, or a mark such as a vowel sign."""
    return unicodedata.category(char)[0] in "LNM"


def has_letters(text: str) -> bool:
    """Whether there is anything to translate: a letter of any script."""
    return any(char.isalpha() for char in text)
