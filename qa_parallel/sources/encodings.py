"""Bytes → lines of text: UTF-8, UTF-16 by its marks, and the older encodings by how they read.

An older encoding leaves no mark. What is no UTF-8 is read in each encoding that the language was
written in, and the one that reads most naturally is taken: letters of the language inside words,
quotes and dashes where they belong, no boxes. Where none does, charset-normalizer decides. The
guess is said; `encoding` settles it.
"""

from __future__ import annotations

import codecs
import io
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import IO

from qa_parallel.errors import SourceError
from qa_parallel.language_codes import LANGUAGES

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_HEAD = 1 << 16  # bytes that tell UTF-16 without a mark, and the ends of lines
_SAMPLE = 1 << 18  # bytes that an encoding is told from, from the first that is no UTF-8

_WESTERN = ("cp1252", "mac_roman", "cp850")
_CENTRAL = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
# The older encodings that a script, or a language of it, was written in.
_BY_SCRIPT = {
    "Latn": _WESTERN,
    "Cyrl": ("cp1251", "koi8_r", "cp866", "mac_cyrillic", "iso8859_5"),
    "Grek": ("cp1253", "mac_greek"),
    "Hebr": ("cp1255",),
    "Arab": ("cp1256", "iso8859_6"),
    "Thai": ("cp874",),
    "Hans": ("gb18030", "big5"),
    "Hant": ("big5", "gb18030"),
    "Jpan": ("cp932", "euc_jp"),
    "Hang": ("cp949",),
}
_BY_LANGUAGE = {
    **dict.fromkeys(("pol", "ces", "slk", "hun", "hrv", "bos", "slv", "ron", "als"), _CENTRAL),
    **dict.fromkeys(("tur", "azj", "crh"), ("cp1254", "mac_turkish")),
    **dict.fromkeys(("lit", "lvs", "ltg", "est"), ("cp1257",)),
    "vie": ("cp1258",),
}
_LETTERS = {
    "cp1252": "àâäáãåæçèéêëìíîïñòóôöõøùúûüÿœß",
    "cp1250": "ąćęłńóśźżáčďéěíňřšťúůýžăâîșțşţöőüűäëôľĺđç",
    "cp1254": "âçğıîöşüûâİəi̇",
    "cp1257": "āčēģīķļņšūžąęėįųõäöü",
    "cp1258": "ăâđêôơưàáảãạèéẻẽẹìíòóùúýằắầấờớừứ",
}
_QUOTES = frozenset("’‘“”„‚…–—«»€£§°•·©®™¿¡½¼¾²³×\xa0")
_BETWEEN = frozenset("’\xad")  # that may stand between two letters


def text_lines(
    file: IO[bytes], where: str, encoding: str | None, language: str, notes: Counter[str]
) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1, line ends kept; byte order marks are taken away.

    Raises
    ------
    SourceError
        Bytes that are not of the encoding, or of none that can be told; the message gives the line.
    """
    stream = io.BufferedReader(file, _HEAD) if not hasattr(file, "peek") else file  # type: ignore[type-var]
    head = stream.peek(_HEAD)[:_HEAD]
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    wide = marked if marked != "utf-8" else None
    known = encoding or wide or _unmarked(head)
    if known is not None:
        lines = _decoded(stream, where, known, _line_end(head, known))
    else:
        ends = _line_end(head, "utf-8")
        raw = iter(stream) if ends == "\n" else iter(stream.read().splitlines(keepends=True))
        lines = _utf8(raw, where, language, notes, marked is not None)
    for number, line in enumerate(lines, start=1):
        yield number, line.lstrip("\ufeff") if number == 1 else line


def known_encoding(name: str) -> str:
    """The name that Python has for an encoding.

    Raises
    ------
    SourceError
        It has none.

    >>> known_encoding("Windows-1252")
    'cp1252'
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise SourceError(
            f"expected an encoding, found {name!r}", "for example utf-8, cp1252, mac_roman, gb18030"
        ) from None


def guess(data: bytes, language: str) -> str | None:
    """The older encoding in which bytes read most naturally; None where none does.

    >>> guess("It’s … €5".encode("cp1252"), "eng_Latn")
    'cp1252'
    >>> guess("Wo ist die Straße nach Köln?".encode("mac_roman"), "deu_Latn")
    'mac_roman'
    """
    known = LANGUAGES.get(language)
    script = known.script if known else "Latn"
    names = _BY_LANGUAGE.get(language[:3], _BY_SCRIPT.get(script, _WESTERN))
    scores = {name: _naturalness(data, name, script) for name in names}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] > 0.5:
        return best
    from charset_normalizer import from_bytes

    found = from_bytes(data).best()
    return None if found is None or found.encoding in ("ascii", "utf_8") else found.encoding


def _unmarked(head: bytes) -> str | None:
    """UTF-16 without a mark, by its zeros in every other byte."""
    if len(head) < 4 or b"\x00" not in head:
        return None
    even, odd = (head[side::2].count(0) / len(head[side::2]) for side in (0, 1))
    return "utf-16-le" if odd > 0.3 > even else "utf-16-be" if even > 0.3 > odd else None


def _line_end(head: bytes, encoding: str) -> str:
    """A line feed, but for what an old Macintosh wrote: carriage returns alone."""
    text = head.decode(encoding, "ignore")
    return "\r" if "\r" in text and "\n" not in text else "\n"


def _decoded(stream: IO[bytes], where: str, encoding: str, end: str) -> Iterator[str]:
    number = 0
    try:
        with io.TextIOWrapper(stream, encoding, newline=end) as text:
            for number, line in enumerate(text, start=1):  # noqa: B007
                yield line
    except UnicodeError as error:
        raise SourceError(
            f"expected {encoding}, found bytes that are none after line {number} of {where} "
            f"({error.__class__.__name__})",
            "give its encoding",
        ) from error


def _utf8(
    raw: Iterator[bytes], where: str, language: str, notes: Counter[str], marked: bool
) -> Iterator[str]:
    """Lines of UTF-8; of another encoding, if what comes before was plain ASCII."""
    offset, plain = 0, not marked
    for number, data in enumerate(raw, start=1):
        try:
            line = data.decode("utf-8")
        except UnicodeDecodeError as error:
            sample = [data, *_up_to(raw, _SAMPLE)]
            name = guess(b"".join(sample), language) if plain else None
            if name is None:
                raise SourceError(
                    f"expected UTF-8, found byte 0x{data[error.start]:02x} at byte "
                    f"{offset + error.start} of {where} (line {number})",
                    "repair the line, or give the encoding of the file, for example cp1252",
                ) from error
            notes[f"read as {name}, by the look of it (encoding settles it)"] = 0
            for later, data in enumerate(itertools.chain(sample, raw), start=number):
                try:
                    yield data.decode(name)
                except UnicodeDecodeError as wrong:
                    raise SourceError(
                        f"expected {name}, as lines before have it, found byte "
                        f"0x{data[wrong.start]:02x} in line {later} of {where}",
                        "give its encoding",
                    ) from wrong
            return
        plain = plain and line.isascii()
        offset += len(data)
        yield line


def _up_to(raw: Iterator[bytes], size: int) -> Iterator[bytes]:
    for data in raw:
        yield data
        size -= len(data)
        if size < 0:
            return


def _naturalness(data: bytes, encoding: str, script: str) -> float:
    """How much of what is not ASCII reads as text does, from -1 to 1."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end < len(data) - 3:  # the sample may end within a character
            return -1.0
        text = data.decode(encoding, "ignore")
    alphabet = _LETTERS.get(encoding, _LETTERS["cp1250" if encoding in _CENTRAL else "cp1252"])
    points, seen = 0.0, 0
    for place, letter in enumerate(text):
        if letter.isascii():
            continue
        seen += 1
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        points += _points(letter, before, after, script, alphabet)
    return points / seen if seen else 0.0


def _points(letter: str, before: str, after: str, script: str, alphabet: str) -> float:
    if letter in _QUOTES:
        inside = before.isalpha() and after.isalpha()
        return 1.0 if letter in _BETWEEN or not inside else -1.0
    if not (letter.isalpha() or unicodedata.combining(letter)):
        wide = ord(letter) >= 0x3000 and script in ("Hans", "Hant", "Jpan", "Hang")
        return 0.5 if wide or unicodedata.category(letter)[0] in "PM" else -1.0
    if letter.isupper() and before.islower():
        return -1.0
    if script != "Latn":
        return 1.0 if _is_of(letter, script) else -0.5
    crowd = not before.isascii() and before.isalpha() and not after.isascii() and after.isalpha()
    return -1.0 if crowd else 1.0 if letter.lower() in alphabet else -0.5


def _is_of(letter: str, script: str) -> bool:
    name = unicodedata.name(letter, "")
    words = {
        "Cyrl": ("CYRILLIC",), "Grek": ("GREEK",), "Hebr": ("HEBREW",), "Arab": ("ARABIC",),
        "Thai": ("THAI",), "Hans": ("CJK",), "Hant": ("CJK",), "Hang": ("HANGUL", "CJK"),
        "Jpan": ("CJK", "HIRAGANA", "KATAKANA"),
    }  # fmt: skip
    return name.startswith(words.get(script, ("",)))
