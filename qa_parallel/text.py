"""What several stages do to strings."""

from __future__ import annotations

import unicodedata


def comparison_form(text: str) -> str:
    """`text` without case, accents, punctuation and spacing: what two copies have in common.

    >>> comparison_form("Où est-il ?") == comparison_form("ou est il")
    True
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    # Accents of Latin, Greek and Cyrillic go; the vowel signs of Indic scripts (Mc, and Mn
    # outside the combining diacritics block) carry the word and stay.
    kept = "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
    recomposed = unicodedata.normalize("NFC", kept)
    return " ".join("".join(char if is_word(char) else " " for char in recomposed).split())


def is_word(char: str) -> bool:
    """Whether `char` belongs to a word: a letter, a digit, or a mark such as a vowel sign."""
    return unicodedata.category(char)[0] in "LNM"


def has_letters(text: str) -> bool:
    """Whether there is anything to translate: a letter of any script."""
    return any(char.isalpha() for char in text)
