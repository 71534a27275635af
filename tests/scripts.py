"""Words in every script of NLLB-200, for what must hold whatever is written.

Polars keeps a column in chunks. What works on all plain or all other texts may fail where these
come in turn, since a part that is filtered out leaves an empty chunk: so tests try every order.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator

# As letters of the script are called in Unicode.
NAMES = {
    "Arab": "ARABIC LETTER",
    "Armn": "ARMENIAN SMALL LETTER",
    "Beng": "BENGALI LETTER",
    "Cyrl": "CYRILLIC SMALL LETTER",
    "Deva": "DEVANAGARI LETTER",
    "Ethi": "ETHIOPIC SYLLABLE",
    "Geor": "GEORGIAN LETTER",
    "Grek": "GREEK SMALL LETTER",
    "Gujr": "GUJARATI LETTER",
    "Guru": "GURMUKHI LETTER",
    "Hang": "HANGUL SYLLABLE",
    "Hans": "CJK UNIFIED IDEOGRAPH",
    "Hant": "CJK UNIFIED IDEOGRAPH",
    "Hebr": "HEBREW LETTER",
    "Jpan": "HIRAGANA LETTER",
    "Khmr": "KHMER LETTER",
    "Knda": "KANNADA LETTER",
    "Laoo": "LAO LETTER",
    "Latn": "LATIN SMALL LETTER",
    "Mlym": "MALAYALAM LETTER",
    "Mymr": "MYANMAR LETTER",
    "Olck": "OL CHIKI LETTER",
    "Orya": "ORIYA LETTER",
    "Sinh": "SINHALA LETTER",
    "Taml": "TAMIL LETTER",
    "Telu": "TELUGU LETTER",
    "Tfng": "TIFINAGH LETTER",
    "Thai": "THAI CHARACTER",
    "Tibt": "TIBETAN LETTER",
}
PLAIN = "PayPal"


def words(script: str) -> str:
    """Three words of the first letters of a script."""
    letters = (
        chr(code)
        for code in range(0x80, 0x10000)
        if unicodedata.category(chr(code)) in ("Ll", "Lo")
        and unicodedata.name(chr(code), "").startswith(NAMES[script])
    )
    some = "".join(itertools.islice(letters, 15))
    return f"{some[:5]} {some[5:10]} {some[10:]}"


def orders(script: str) -> Iterator[tuple[str | None, ...]]:
    """Three texts: plain ones, ones of a script, empty ones and none at all, in every order."""
    return itertools.product((PLAIN, words(script), "", None), repeat=3)
