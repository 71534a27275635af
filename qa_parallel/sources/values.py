"""One value of a record as texts: every one of them, or a word that none could be made.

A value is a text, a number, a list of these, a dictionary with a known key for its text, or any of
them written as text. What is none of that is `unread`, never nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qa_parallel.sources.literals import parse_literal

# Keys of a dictionary that stands for one text, the first one present is taken; SQuAD, TriviaQA,
# messages, CoQA, Tevatron, Mr.TyDi.
TEXT_KEYS = (
    *("text", "value", "input_text", "span_text", "content", "contents", "passage_text", "body"),
)
# and of further texts that mean the same (TriviaQA, MKQA)
_ALIASES = ("aliases",)
_TITLES = ("title", "document_title", "wikipedia_title")
_IDS = ("docid", "passage_id", "psg_id", "_id", "id", "doc_id")

# How tables write that there is nothing; in the place of an answer "None" may be one.
_MISSING = frozenset({"nan", "NaN", "NAN", "NULL", "null", "N/A", "n/a", "#N/A", "<NA>", "NaT"})
_MISSING_TEXT = _MISSING | {"None", "none", "NONE", "NA"}
# An answer that says there is none (MS MARCO, QuAC)
NO_ANSWER = frozenset({"No Answer Present.", "CANNOTANSWER"})

_REFERENCE = re.compile(
    r"([a-z]{2,12}[_#:-])?\d+([_#:.-]\d+)*|(https?|ftp)://\S+|[\w.()%+@/\\-]+\.(txt|html?|xml|json|pdf|md|docx?|rtf|csv|tsv|gz|zip)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and what its dictionary says beside it; `start` in code points of the passage."""

    text: str
    start: int | None = None
    title: str | None = None
    id: str | None = None


@dataclass(slots=True)
class Reading:
    """All texts of a value.

    Attributes
    ----------
    unread:
        There is a value, or a part of it, of which no text can be made.
    said_none:
        A word such as "nan" or "N/A" stands for nothing.
    none_marked:
        A list is there and empty: SQuAD's way to say that there is no answer.
    others:
        Texts that the value marks as wrong ones: the passages of MS MARCO that are not selected.
    """

    texts: list[Text] = field(default_factory=list)
    unread: bool = False
    said_none: bool = False
    none_marked: bool = False
    others: list[Text] = field(default_factory=list)


def read_texts(value: Any, field: str = "passage", *, as_it_stands: bool = False) -> Reading:
    """Every text of a value, in its order.

    Parameters
    ----------
    as_it_stands:
        The user named the column: a text that is written as a dictionary without a known key is
        meant for itself, and a list of lists is a list.

    Examples
    --------
    >>> [one.text for one in read_texts("['Bern', 'Berne']").texts]
    ['Bern', 'Berne']
    >>> read_texts({"en": "Bern", "note": 1}).unread, read_texts("nan").said_none
    (True, True)
    """
    reading = Reading()
    if isinstance(value, str) and not _may_be_written(value):  # nearly every value: no detour
        if (short := value.strip()) in (_MISSING if field == "answer" else _MISSING_TEXT):
            reading.said_none = True
        elif short:
            reading.texts.append(Text(value))
    elif value is not None:
        reading.texts = list(_walk(value, field, as_it_stands, reading))
    return reading


def _may_be_written(text: str) -> bool:
    """Whether a text may be a list or a dictionary, written as text."""
    start = text.lstrip()[:6]
    return start[:1] in ("[", "{", "(") or start == "array("


def read_integer(value: Any) -> int | None:
    """The number of `7`, `7.0`, `[7]` or `[[7, 12]]`, or of such a thing written as text."""
    if isinstance(value, str):
        found = parse_literal(value)
        value = value.strip() if found is None else found
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        digits = value.removesuffix(".0")
        return int(digits) if re.fullmatch(r"-?[0-9]{1,9}", digits) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def is_reference(text: str) -> bool:
    """Whether a text names a text: a file, an address or a number, as no passage does.

    >>> [is_reference(text) for text in ("articles/17.html", "doc_17", "17#4", "It burned.")]
    [True, True, True, False]
    """
    return _REFERENCE.fullmatch(text.strip()) is not None


def number_words(value: float | int) -> str:
    """A number as it is written: `2021` for 2021.0.

    >>> number_words(2021.0), number_words(0.5)
    ('2021', '0.5')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _walk(value: Any, field: str, as_it_stands: bool, reading: Reading) -> Iterator[Text]:
    if value is None or (isinstance(value, float) and value != value):  # NaN, by way of pandas
        return
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        written = parse_literal(value)
        written = _descriptions(value) if written is None else written
        if written is not None and _holds_texts(written, as_it_stands):
            yield from _walk(written, field, as_it_stands, reading)
        elif value.strip() in (_MISSING if field == "answer" else _MISSING_TEXT):
            reading.said_none = True
        elif value.strip():
            yield Text(value)
    elif isinstance(value, list | tuple):
        reading.none_marked |= not value
        alone = field in ("question", "passage") and not as_it_stands
        for item in value:
            if alone and isinstance(item, list) and item:
                reading.unread = True  # HotpotQA: [title, [sentences]]
            else:
                yield from _walk(item, field, as_it_stands, reading)
    elif isinstance(value, Mapping):
        yield from _of_mapping(value, field, as_it_stands, reading)
    elif isinstance(value, int | float):
        yield Text(number_words(value) if not isinstance(value, bool) else str(value))
    else:
        yield Text(str(value))  # dates


def _descriptions(text: str) -> list[Any] | None:
    """The answers of WebQuestions: (list (description "Jaxon") (description "Jazmyn"))."""
    if not text.lstrip().startswith("(list (description "):
        return None
    found = re.findall(r'\(description (?:"((?:[^"\\]|\\.)*)"|([^()]*))\)', text)
    return [quoted or plain for quoted, plain in found]


def _of_mapping(
    value: Mapping[Any, Any], field: str, as_it_stands: bool, reading: Reading
) -> Iterator[Text]:
    named = {str(key).lower(): inner for key, inner in value.items()}  # TriviaQA's own "Value"
    if "is_selected" in named:  # MS MARCO
        pairs = zip(named["is_selected"] or (), named.get("passage_text") or (), strict=False)
        for selected, text in pairs:
            found = _walk(text, field, as_it_stands, reading)
            if selected:
                yield from found
            else:
                reading.others.extend(found)
        return
    key = next((key for key in TEXT_KEYS if key in named), None)
    if key is None:
        reading.unread |= bool(value)
        return
    inner = named[key]
    texts = list(_walk(inner, field, as_it_stands, reading))
    starts = _starts(named.get("answer_start"), len(texts), isinstance(inner, list))
    title, own = (next((named[k] for k in keys if named.get(k)), None) for keys in (_TITLES, _IDS))
    for text, start in zip(texts, starts, strict=True):
        yield Text(text.text, start, str(title) if title else text.title, _id(own) or text.id)
    for name in _ALIASES:
        yield from _walk(named.get(name), field, as_it_stands, reading)


def _id(value: Any) -> str | None:
    return number_words(value) if isinstance(value, int | float) else value or None


def _starts(value: Any, texts: int, listed: bool) -> list[int | None]:
    """One start for each text; of another number of starts the first belongs to the first."""
    if listed and isinstance(value, list) and len(value) == texts:
        return [read_integer(one) for one in value]
    return [read_integer(value), *[None] * (texts - 1)][:texts]


def _holds_texts(value: list[Any] | Mapping[Any, Any], as_it_stands: bool) -> bool:
    """Whether what a text is written as is meant: "[1, 2]" may be a text for itself."""
    if isinstance(value, Mapping):
        known = any(str(key).lower() in (*TEXT_KEYS, "is_selected") for key in value)
        return known or not as_it_stands
    return all(isinstance(item, str | list | Mapping) or item is None for item in value)
