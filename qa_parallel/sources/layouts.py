"""Which column of a record means what, and one record → one clean `Example`.

Layouts are a table of column names, not code: SQuAD, MLQA, XQuAD-R, TyDiQA-GoldP, AfriQA, QED's
Natural Questions, MS MARCO, FAQ sheets and query-passage pairs differ in their names, and in
whether an answer is a string, a list or {"text": [...], "answer_start": [...]}.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_parallel.errors import SourceError

# field → names of columns, the first one present is taken; compared in lower case, `-` and space
# as `_`. A field without names is read only where the user names its column.
ALIASES: dict[str, tuple[str, ...]] = {
    "question": (
        "question",
        "question_text",  # QED, TyDiQA
        "question_translated",  # AfriQA, English
        "query",  # MS MARCO, retrieval pairs
        "query_text",
        "anchor",  # sentence-transformers pairs
        "prompt",
        "q",
    ),
    "answer": (
        "answer",
        "answers",  # SQuAD, MS MARCO
        "answer_text",  # QED
        "answer_pivot",  # AfriQA, English
        "short_answer",
        "response",
        "completion",
        "a",
    ),
    "passage": (
        "passage",
        "context",  # SQuAD
        "paragraph_text",  # QED
        "passage_text",
        "paragraph",
        "passages",  # MS MARCO: {"is_selected": [...], "passage_text": [...]}
        "positive",  # sentence-transformers pairs
        "positive_passages",  # Tevatron: [{"docid", "title", "text"}]
        "pos",
        "document",
        "document_text",
        "text",
    ),
    "id": ("id", "qa_id", "question_id", "qid", "query_id", "example_id", "_id"),
    "title": ("title", "title_text", "document_title"),
    "answer_start": ("answer_start", "answer_spans"),
    "sentence_breaks": ("sentence_breaks",),  # LAReQA
    "unanswerable": ("is_impossible", "unanswerable"),
    "split": (),
    "license": ("license",),
}

# English columns of data sets in other languages: no alias where another language is asked for
ENGLISH_ONLY = frozenset({"question_translated", "answer_pivot"})
# Their columns in that language, AfriQA's; their passages are English alone.
_NATIVE = {"question": "question_lang", "answer": "answer_lang", "passage": ""}

# an answer that says there is none (MS MARCO)
NO_ANSWER = frozenset({"No Answer Present."})

HEAD = 100  # records looked at to tell the layout

# field → keys and list indices that lead to its value
Layout = dict[str, tuple[str, ...]]

# Lone surrogates, which UTF-8 and so Polars cannot hold, and control characters other than tab,
# line feed and carriage return.
_BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

# what str.strip takes away, and the byte order mark that begins many a paragraph of XQuAD
_BLANK = (
    " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)


@dataclass(frozen=True, slots=True)
class Example:
    """One record, cleaned. Texts are stripped and never empty: None where there is none.

    `answer_start` and `sentence_breaks` are in code points of the stripped `passage`.
    `unanswerable` is True only where the layout marks it; `repaired` where characters that cannot
    be kept were replaced one for one (U+FFFD for a lone surrogate, a space for a control
    character), so that offsets stay right.
    """

    id: str | None
    title: str | None
    question: str | None
    answer: str | None
    passage: str | None
    answer_start: int | None
    answer_method: str | None
    sentence_breaks: list[list[int]] | None
    split: str | None
    license: str | None
    unanswerable: bool
    repaired: bool


def find_layout(
    head: Sequence[Mapping[str, Any]], columns: Mapping[str, str], language: str, where: str
) -> Layout:
    """Tell which column holds which field, from the first records of a file.

    Parameters
    ----------
    head:
        The first records; a column may be missing in some.
    columns:
        What the user said: field → column or dotted path, "" for "leave this field out". Fields
        not named here are found by their aliases.
    language:
        Code of the language that is asked for. Of a data set with native and English questions side
        by side (AfriQA) it is the ones in this language; the passage is left out where it is in
        another.
    where:
        File or data set, for messages.

    Raises
    ------
    SourceError
        A named column is not there, or no column of questions is known.

    Examples
    --------
    >>> find_layout([{"Query": "who?", "positive": "He."}], {}, "eng_Latn", "pairs.csv")
    {'question': ('Query',), 'passage': ('positive',)}
    """
    found = list(dict.fromkeys(itertools.chain.from_iterable(head)))
    listed = ", ".join(map(str, found)) or "none"
    by_name: dict[str, str] = {}
    for name in found:
        by_name.setdefault(re.sub(r"[\s-]+", "_", str(name).strip().lower()), name)
    if language != "eng_Latn" and ENGLISH_ONLY.intersection(by_name):
        native = {field: by_name.get(name, "") for field, name in _NATIVE.items()}
        columns = {**native, **columns} if native["question"] else columns
    layout: Layout = {}
    for field, aliases in ALIASES.items():
        if field in columns:
            if columns[field]:
                layout[field] = _named_column(columns[field], field, head, found, where)
            continue
        for alias in aliases:
            if alias in by_name and (language == "eng_Latn" or alias not in ENGLISH_ONLY):
                layout[field] = (by_name[alias],)
                break
    if "question" not in layout:
        raise SourceError(
            f"expected a column of questions in {language}, found columns {listed} in {where}",
            "name it: columns question=NAME (and answer=, passage=, id= where they are there)",
        )
    return layout


def read_example(record: Mapping[str, Any], layout: Layout) -> Example:
    """Clean one record: texts stripped and repaired, the answer's span checked.

    Examples
    --------
    >>> layout = find_layout([{"question": "", "context": "", "answers": {}}], {}, "eng_Latn", "")
    >>> answers = {"text": ["1920s "], "answer_start": [8]}
    >>> record = {"question": "When?", "context": " In the 1920s.", "answers": answers}
    >>> example = read_example(record, layout)
    >>> example.answer, example.answer_start, example.answer_method
    ('1920s', 7, 'source')
    """
    values = {field: _dig(record, path) for field, path in layout.items()}
    answer, start, none_marked = _first_answer(values.get("answer"))
    if "answer_start" in values:
        start = _first_integer(values["answer_start"])
    texts = {
        "id": _scalar(values.get("id")),
        "title": _scalar(values.get("title")),
        "question": _scalar(values.get("question")),
        "answer": answer,
        "passage": _passage(values.get("passage")),
        "split": _scalar(values.get("split")),
        "license": _scalar(values.get("license")),
    }
    repaired = False
    clean: dict[str, str | None] = {}
    cut: dict[str, int] = {}  # characters stripped on the left
    for field, text in texts.items():
        if text is not None and _BROKEN.search(text):
            text, repaired = _BROKEN.sub(_replacement, text), True
        short = (text or "").lstrip(_BLANK)
        cut[field] = len(text or "") - len(short)
        clean[field] = short.rstrip(_BLANK) or None
    passage = clean["passage"]
    if start is not None:
        start += cut["answer"] - cut["passage"]
    start, method = place_answer(clean["answer"], passage, start)
    impossible = values.get("unanswerable")
    return Example(
        id=clean["id"],
        title=clean["title"],
        question=clean["question"],
        answer=clean["answer"],
        passage=passage,
        answer_start=start,
        answer_method=method,
        sentence_breaks=_breaks(values.get("sentence_breaks"), passage, cut["passage"]),
        split=clean["split"],
        license=clean["license"],
        unanswerable=(
            impossible is True
            or str(impossible).strip().lower() in ("true", "1")  # CSV
            or (none_marked and passage is not None)
            or clean["answer"] in NO_ANSWER
        ),
        repaired=repaired,
    )


def place_answer(
    answer: str | None, passage: str | None, start: int | None
) -> tuple[int | None, str | None]:
    """Where the answer stands in the passage (code points), and how that is known.

    "source": the start that was given is right. "exact": it was missing or wrong (other units, an
    edited passage), and the answer stands in the passage once. (None, None): neither.

    Examples
    --------
    >>> place_answer("bc", "abcd", 0)
    (1, 'exact')
    """
    if answer is None or passage is None:
        return None, None
    if start is not None and start >= 0 and passage.startswith(answer, start):
        return start, "source"
    first = passage.find(answer)
    if first >= 0 and passage.find(answer, first + 1) < 0:
        return first, "exact"
    return None, None


def _named_column(
    name: str, field: str, head: Sequence[Mapping[str, Any]], found: Iterable[str], where: str
) -> tuple[str, ...]:
    """The path to a column that the user named, checked against the first records."""
    found = list(map(str, found))
    if not head:
        return (name,)
    path = (name,) if name in found else tuple(name.split("."))
    if any(_leads_somewhere(record, path) for record in head):
        return path
    # dotted names of what lies one level deeper help with a mistyped path
    deeper = [f"{key}.{inner}" for key in found for inner in _inner_keys(head, key)]
    near = difflib.get_close_matches(name, found + deeper, n=1)
    shown = deeper if path[0] in found and deeper else found
    raise SourceError(
        f"expected a column {name!r} for {field}, found {', '.join(shown)} in {where}",
        f"did you mean {near[0]!r}?" if near else "name one of these",
    )


def _leads_somewhere(value: Any, path: Sequence[str]) -> bool:
    """Whether the path exists here; an empty list may hold anything in other records."""
    for key in path:
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"\d+", key):
            if int(key) >= len(value):
                return True
            value = value[int(key)]
        else:
            return False
    return True


def _inner_keys(head: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    inner = [record[key] for record in head if isinstance(record.get(key), Mapping)]
    return list(dict.fromkeys(str(name) for value in inner for name in value))


def _dig(value: Any, path: Sequence[str]) -> Any:
    """Follow keys and list indices; None where one is missing."""
    for key in path:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _scalar(value: Any) -> str | None:
    """A text from what stands for one: numbers as they are written, of a list the first."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return _scalar(value[0]) if value else None
    if isinstance(value, Mapping):
        return next((_scalar(value[key]) for key in ("text", "value") if key in value), None)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        if value != value:  # NaN, a missing value where the data passed through pandas
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _first_answer(value: Any) -> tuple[str | None, int | None, bool]:
    """Text and start of the first answer, and whether an empty list says that there is none."""
    if isinstance(value, list):
        return _first_answer(value[0]) if value else (None, None, True)
    if isinstance(value, Mapping) and "text" in value:
        text, _, none_marked = _first_answer(value["text"])
        return text, _first_integer(value.get("answer_start")), none_marked
    return _scalar(value), None, False


def _first_integer(value: Any) -> int | None:
    """The start from `7`, `[7]` or `[[7, 12]]`, or from the text "7" of a CSV file."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        value = value.strip()
        return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _passage(value: Any) -> str | None:
    """A passage; in the layout of MS MARCO the one marked as selected."""
    if isinstance(value, Mapping) and "is_selected" in value:
        texts = zip(value["is_selected"] or (), value.get("passage_text") or (), strict=False)
        return next((_scalar(text) for selected, text in texts if selected), None)
    return _scalar(value)


def _breaks(value: Any, passage: str | None, cut: int) -> list[list[int]] | None:
    """Sentence boundaries moved to the stripped passage; None where they are none or wrong."""
    if passage is None or not isinstance(value, list):
        return None
    breaks: list[list[int]] = []
    end_before = 0
    for pair in value:
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)):
            return None
        start, end = pair
        if not end_before <= start <= end:
            return None
        end_before = end
        start, end = (min(max(n - cut, 0), len(passage)) for n in pair)
        if start < end:
            breaks.append([start, end])
    return breaks or None


def _replacement(match: re.Match[str]) -> str:
    return "�" if match[0] >= "\ud800" else " "
