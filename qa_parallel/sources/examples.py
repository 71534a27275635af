"""One record → clean examples: a question each, and a passage that belongs to it.

A record is one example, but for the turns of a conversation (a path with `[*]`), which are one
each, and for a question with several passages, which is one with each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.sources.account import Account
from qa_parallel.sources.layouts import Layout, is_each
from qa_parallel.sources.paths import ALL, EACH, Path, dig, opened, path_words
from qa_parallel.sources.shapes import read_messages
from qa_parallel.sources.values import (
    NO_ANSWER,
    TEXT_KEYS,
    Reading,
    Text,
    read_integer,
    read_texts,
)

# Lone surrogates, which UTF-8 and so Polars cannot hold, and control characters other than tab,
# line feed and carriage return.
_BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

# what str.strip takes away, and the byte order mark that begins many a paragraph of XQuAD
_BLANK = (
    " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)


# Fields whose texts are read; the others are numbers and marks.
_READ: tuple[str, ...] = (
    "question",
    "answer",
    "passage",
    "title",
    "id",
    "negatives",
    "language",
    "split",
)
_READ += ("license",)

Paths = Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Example:
    """One question, cleaned. Texts are stripped and never empty: None where there is none.

    `answer` is the first right answer, `answers` are all different ones. `answer_start` and
    `sentence_breaks` are in code points of the stripped `passage`. `unanswerable` is True only
    where the layout marks it; `repaired` where characters that cannot be kept were replaced one for
    one (U+FFFD for a lone surrogate, a space for a control character), so that offsets stay right.
    `keep` holds the columns that are carried along, as text.
    """

    id: str | None
    title: str | None
    question: str | None
    answer: str | None
    answers: list[str]
    passage: str | None
    answer_start: int | None
    answer_method: str | None
    sentence_breaks: list[list[int]] | None
    language: str | None
    split: str | None
    license: str | None
    unanswerable: bool
    repaired: bool
    negatives: list[Text] = field(default_factory=list)
    keep: dict[str, str | None] = field(default_factory=dict)


def read_examples(
    record: Mapping[str, Any], layout: Layout, account: Account | None = None, where: str = ""
) -> Iterator[Example]:
    """Clean one record: texts stripped and repaired, the answer's span checked.

    Parameters
    ----------
    account:
        Told what every value gave. None: nobody is.
    where:
        Place of the record, for the account.

    Examples
    --------
    >>> from qa_parallel.sources.layouts import find_layout
    >>> answers = {"text": ["1920s ", "20s"], "answer_start": [8, 10]}
    >>> record = {"question": "When?", "context": " In the 1920s.", "answers": answers}
    >>> (example,) = read_examples(record, find_layout([record], {}, "eng_Latn", ""))
    >>> example.answer, example.answer_start, example.answer_method, example.answers
    ('1920s', 7, 'source', ['1920s', '20s'])
    """
    if layout.messages is not None:
        record = {**record, layout.messages: read_messages(record.get(layout.messages))}
    for paths, turn in _turns(record, layout, where):
        if account is not None:
            account.rows += 1
        values = {name: dig(record, path) for name, path in paths.items()}
        if paths.get("id", ())[:1] == (ALL,):
            values["id"] = _joined(values["id"])
        if turn is not None and not is_each(layout.paths.get("id", (EACH,))) and values.get("id"):
            values["id"] = f"{values['id']}.{turn}"
        if layout.yes_no and isinstance(values.get("answer"), bool):
            values["answer"] = "yes" if values["answer"] else "no"
        kept = {name: _kept(dig(record, path)) for name, path in layout.keep.items()}
        yield from _examples(values, _choices(record, values, layout), layout, kept, account, where)


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


def _turns(
    record: Mapping[str, Any], layout: Layout, where: str
) -> Iterator[tuple[Paths, int | None]]:
    """The paths of each question of a record; its number where the record has several."""
    if not is_each(layout.paths["question"]):
        yield layout.paths, None
        return
    for number, paths in enumerate(_each(record, layout.paths, where)):
        yield paths, number


def _each(record: Mapping[str, Any], paths: Mapping[str, Path], where: str) -> Iterator[Paths]:
    """The paths to every item of the lists that the question's path goes through.

    Paths through the same list, and through one of as many items, go with it; others are whole.
    """
    question = paths["question"]
    if not is_each(question):
        yield paths
        return
    stem = question[: question.index(EACH)]
    size = _length(record, stem)
    along = {"question"}
    for name, path in paths.items():
        if is_each(path):
            own = path[: path.index(EACH)]
            if own == stem or _length(record, own) == size:
                along.add(name)
            elif name == "answer":
                raise SourceError(
                    f"expected as many answers as questions, found {_length(record, own)} in "
                    f"{path_words(path)} and {size} in {path_words(question)} at {where}",
                    "name the columns: columns question=PATH,answer=PATH",
                )
    for number in range(size):
        yield from _each(
            record,
            {name: _at(path, number) if name in along else path for name, path in paths.items()},
            where,
        )


def _length(record: Mapping[str, Any], path: Path) -> int:
    value = opened(dig(record, path))
    return len(value) if isinstance(value, list) else 0


def _at(path: Path, number: int) -> Path:
    """The path with a number for its first `*`."""
    place = path.index(EACH)
    return (*path[:place], str(number), *path[place + 1 :])


def _examples(
    values: Mapping[str, Any],
    choices: Mapping[str, str],
    layout: Layout,
    kept: dict[str, str | None],
    account: Account | None,
    where: str,
) -> Iterator[Example]:
    read = {
        name: read_texts(values.get(name), name, as_it_stands=name in layout.named)
        for name in _READ
        if name in layout.paths
    }
    question = read.get("question", Reading())
    if len(question.texts) > 1:  # which of them is the question?
        question.texts, question.unread = [], True
    passage_read = read.get("passage", Reading())
    unmarked = layout.paths.get("passage") == ("passages",) and not passage_read.others
    if unmarked and len(passage_read.texts) > 1 and "passage" not in layout.named:
        passage_read.texts, passage_read.unread = [], True  # which of them hold the answer?
    answer = read.get("answer", Reading())
    if choices:
        chosen = [_chosen(one, choices) for one in answer.texts]
        answer.unread |= None in chosen
        answer.texts = [one for one in chosen if one is not None]
    if account is not None:
        for name, reading in read.items():
            account.see(name, reading, where, values.get(name))
    cleaner = _Cleaner()
    answers = [(cleaner.clean(one.text), one) for one in answer.texts]
    unanswerable = any(text in NO_ANSWER for (text, _), _ in answers) or _is_true(
        values.get("unanswerable")
    )
    right = [(text, cut, one) for (text, cut), one in answers if text and text not in NO_ANSWER]
    text, cut, first = right[0] if right else (None, 0, None)
    negatives = [*passage_read.others, *(read["negatives"].texts if "negatives" in read else ())]
    passages: list[Text | None] = [*passage_read.texts] or [None]
    given = _start(values.get("answer_start"), answer.texts, first) if first else None
    for one in passages:
        passage, off = cleaner.clean(one.text) if one else (None, 0)
        start = given + cut - off if given is not None and len(passages) == 1 else None
        start, method = place_answer(text, passage, start)
        title = one.title if one and one.title else _first(read.get("title"))
        yield Example(
            id=cleaner.clean(_first(read.get("id")))[0],
            title=cleaner.clean(title)[0],
            question=cleaner.clean(_first(question))[0],
            answer=text,
            answers=list(dict.fromkeys(text for text, _, _ in right)),
            passage=passage,
            answer_start=start,
            answer_method=method,
            sentence_breaks=_breaks(values.get("sentence_breaks"), passage, off),
            language=cleaner.clean(_first(read.get("language")))[0],
            split=cleaner.clean(_first(read.get("split")))[0],
            license=cleaner.clean(_first(read.get("license")))[0],
            unanswerable=unanswerable or (answer.none_marked and not right and passage is not None),
            repaired=cleaner.repaired,
            negatives=negatives,
            keep=kept,
        )


class _Cleaner:
    """Strips texts and replaces what cannot be kept; remembers whether it had to."""

    def __init__(self) -> None:
        self.repaired = False

    def clean(self, text: str | None) -> tuple[str | None, int]:
        """The text, None where nothing is left, and how many characters were cut on the left."""
        if text is None:
            return None, 0
        if _BROKEN.search(text):
            text, self.repaired = _BROKEN.sub(_replacement, text), True
        short = text.lstrip(_BLANK)
        return short.rstrip(_BLANK) or None, len(text) - len(short)


def _replacement(match: re.Match[str]) -> str:
    return "�" if match[0] >= "\ud800" else " "


def _first(reading: Reading | None) -> str | None:
    return reading.texts[0].text if reading and reading.texts else None


def _start(value: Any, answers: Sequence[Text], first: Text) -> int | None:
    """Where the first right answer begins: by the column of starts, or by its own dictionary."""
    if value is None:
        return first.start
    value = opened(value)
    if isinstance(value, list) and len(value) == len(answers):
        value = value[next(place for place, one in enumerate(answers) if one is first)]
    return read_integer(value)


def _joined(values: Sequence[Any]) -> str | None:
    """An id of several columns."""
    texts = [_first(read_texts(one)) for one in values]
    return "-".join(one for one in texts if one) if any(texts) else None


def _is_true(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "1", "1.0")  # CSV


def _choices(
    record: Mapping[str, Any], values: Mapping[str, Any], layout: Layout
) -> dict[str, str]:
    """What an answer may name → the text it means: letters, numbers, the labels of ARC."""
    if layout.choices:
        value: Any = [record.get(name) for name in layout.choices]
    elif "choices" in layout.paths:
        value = opened(values.get("choices"))
    else:
        return {}
    labels: list[str] = []
    if isinstance(value, Mapping):
        listed = opened(value.get("label", value.get("labels")))
        texts = next((value[key] for key in TEXT_KEYS if key in value), None)
        if isinstance(listed, list) and texts is not None:
            labels, value = [str(one) for one in listed], opened(texts)
        else:  # {"A": "...", "B": "..."}
            labels, value = [str(key) for key in value], list(value.values())
    if not isinstance(value, list):
        return {}
    if value and all(isinstance(one, Mapping) and "label" in one for one in value):
        labels = [str(one["label"]) for one in value]
    names: dict[str, str] = {}
    for number, item in enumerate(value):
        text = _first(read_texts(item, "answer"))
        if text is None:
            continue
        own = [labels[number]] if number < len(labels) else []
        for name in (*own, chr(ord("A") + number), str(number + layout.base)):
            names.setdefault(name.upper(), text)
    return names


def _chosen(one: Text, choices: Mapping[str, str]) -> Text | None:
    """What an answer names; itself where it is one of the texts, None where it names nothing."""
    name = one.text.strip()
    if name.upper() in choices:
        return Text(choices[name.upper()])
    return None if re.fullmatch(r"[A-Ja-j]|\d{1,2}", name) else one


def _kept(value: Any) -> str | None:
    """A column that is carried along, as a text: a list or dictionary as JSON."""
    if isinstance(value, list | Mapping):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    text = _first(read_texts(value))
    return None if text is None else _Cleaner().clean(text)[0]


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
