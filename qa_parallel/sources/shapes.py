"""Data sets whose columns mislead, or whose questions lie deeper, each told by its columns.

What a plain table of names (`layouts.ALIASES`) cannot say: NarrativeQA's passage is the summary in
`document`, not the book; CoQA's questions and answers are two lists side by side; the answers of
a QA sheet are spread over columns. A shape is one row of `SHAPES`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_parallel.errors import LanguageError
from qa_parallel.language_codes import parse
from qa_parallel.sources.paths import EACH, Path, leads_somewhere, opened, parse_path


@dataclass(frozen=True)
class Shape:
    """Columns that tell a data set; field → paths, of which the first that is there is taken."""

    name: str
    columns: frozenset[str]
    paths: Mapping[str, tuple[str, ...]]


def _shape(name: str, columns: str, **paths: str) -> Shape:
    return Shape(
        name, frozenset(columns.split()), {key: tuple(path.split()) for key, path in paths.items()}
    )


SHAPES: tuple[Shape, ...] = (
    _shape("NarrativeQA", "document question answers", passage="document.summary.text"),
    _shape("NarrativeQA, a CSV file", "document_id question answer1 answer2", id="document_id"),
    _shape(
        "CoQA", "story questions answers",
        question="questions[*].input_text questions[*]",
        answer="answers[*].input_text answers.input_text[*]",
        passage="story",
    ),
    _shape(
        "QuAC", "context questions orig_answers",
        question="questions[*]", answer="orig_answers.texts[*]", id="turn_ids[*]",
    ),
    _shape("Belebele", "flores_passage question_number link", id="link+question_number"),
    _shape("DROP", "passage question answers_spans", answer="answers_spans.spans"),
    _shape(
        "ARC as it was published", "question answerkey",
        question="question.stem", choices="question.choices",
    ),
    _shape("WebQuestions", "utterance targetvalue", question="utterance", answer="targetValue"),
)  # fmt: skip

# Messages of a conversation: who speaks, what is said, and who of them asks.
_SPEAKER, _SAID = ("role", "from", "speaker"), ("content", "value", "text")
_ASKS, _ANSWERS = {"user", "human", "prompter"}, {"assistant", "gpt", "bot", "chatgpt", "model"}
# Columns of questions that no one means for sure: said, not read.
_SUGGESTED = (
    {"question": ("instruction",), "answer": ("output", "response"), "passage": ("input",)},
    {"question": ("input",), "answer": ("output", "target")},
    {
        "question": ("frage", "pregunta", "domanda", "pergunta", "vraag", "вопрос", "soru", "问题"),
        "answer": (
            "antwort",
            "respuesta",
            "risposta",
            "resposta",
            "antwoord",
            "ответ",
            "cevap",
            "答案",
        ),
    },
    {"question": ("utterance", "sentence1", "premise", "title", "caption")},
)
# Answers and choices that are spread over columns
_SPREAD = {"answer": ("answer{n}", "answer_{n}", "answer {n}")}


def find_shape(head: Sequence[Mapping[str, Any]], by_name: Mapping[str, str]) -> dict[str, Path]:
    """Field → path as the shape of these records has it; empty for a plain table.

    Parameters
    ----------
    by_name:
        Folded name → column.
    """
    for shape in SHAPES:
        if shape.columns <= by_name.keys():
            paths = {
                field: next((one for one in map(parse_path, some) if _is_there(head, one)), ())
                for field, some in shape.paths.items()
            }
            return {**_spread(by_name), **{name: path for name, path in paths.items() if path}}
    return _spread(by_name)


def find_nested(
    head: Sequence[Mapping[str, Any]], aliases: Mapping[str, tuple[str, ...]]
) -> dict[str, Path]:
    """Field → path into a list of questions that each record holds: `qa_pairs[*].question`."""
    for column in dict.fromkeys(itertools.chain.from_iterable(head)):
        items = [item for record in head for item in _items(record.get(column))]
        keys = {str(key).lower(): str(key) for item in items[:20] for key in item}
        listed = any(isinstance(opened(record.get(column)), list) for record in head)
        found = {
            field: next((keys[name] for name in names if name in keys), None)
            for field, names in aliases.items()
            if field in ("question", "answer", "passage", "id", "answer_start", "unanswerable")
        }
        if found["question"] is not None:
            return {
                name: (column, EACH, key) if listed else (column, key, EACH)
                for name, key in found.items()
                if key is not None
            }
    return {}


def find_messages(head: Sequence[Mapping[str, Any]]) -> str | None:
    """The column that holds the messages of conversations, if any."""
    for column in dict.fromkeys(itertools.chain.from_iterable(head)):
        if any(pair["user"] for record in head for pair in read_messages(record.get(column))):
            return column
    return None


def read_messages(value: Any) -> list[dict[str, str]]:
    """Questions and answers of a conversation: what is said after an answer is a new question.

    >>> said = [("human", "Hi?"), ("gpt", "Hello."), ("human", "Who?")]
    >>> read_messages([{"from": who, "value": text} for who, text in said])
    [{'user': 'Hi?', 'assistant': 'Hello.'}, {'user': 'Who?', 'assistant': ''}]
    """
    pairs: list[dict[str, str]] = []
    for item in _items(value):
        who = str(next((item[key] for key in _SPEAKER if key in item), "")).lower()
        said = next((item[key] for key in _SAID if key in item), None)
        if isinstance(said, list):  # parts: [{"type": "text", "text": "..."}]
            said = "\n".join(str(part["text"]) for part in _items(said) if "text" in part)
        if not isinstance(said, str):
            continue
        if who in _ASKS:
            if not pairs or pairs[-1]["assistant"]:
                pairs.append({"user": "", "assistant": ""})
            pairs[-1]["user"] = f"{pairs[-1]['user']}\n{said}".strip()
        elif who in _ANSWERS and pairs:
            pairs[-1]["assistant"] = f"{pairs[-1]['assistant']}\n{said}".strip()
    return pairs


def language_keys(value: Any) -> dict[str, str]:
    """Code → key of a dictionary of languages, such as MKQA's; empty where it is none.

    >>> language_keys({"en": "Who?", "zh_cn": "谁?"}), language_keys({"text": "Who?", "id": 1})
    ({'eng_Latn': 'en', 'zho_Hans': 'zh_cn'}, {})
    """
    value = opened(value)
    if not isinstance(value, Mapping) or len(value) < 2:
        return {}
    found: dict[str, str] = {}
    for key in map(str, value):
        if not re.fullmatch(r"[a-z]{2,3}([-_]\w{2,4})?", key, re.IGNORECASE):
            return {}
        try:
            found.setdefault(parse(key), key)
        except LanguageError:
            return {}
    return found


def suggest(by_name: Mapping[str, str]) -> str | None:
    """What to write for columns that may well be questions and answers: Alpaca's, Dolly's.

    >>> suggest({"instruction": "instruction", "input": "input", "output": "output"})
    'question=instruction,answer=output,passage=input'
    """
    for some in _SUGGESTED:
        found = {
            field: next((by_name[name] for name in names if name in by_name), None)
            for field, names in some.items()
        }
        if found["question"] is not None:
            return ",".join(f"{field}={name}" for field, name in found.items() if name)
    return None


def _spread(by_name: Mapping[str, str]) -> dict[str, Path]:
    """A field that is spread over columns, as a path of several: answer1+answer2."""
    found: dict[str, Path] = {}
    for field, forms in _SPREAD.items():
        for form in forms:
            names = (form.format(n=n).replace(" ", "_") for n in range(1, 30))
            run = [by_name[name] for name in itertools.takewhile(by_name.__contains__, names)]
            if len(run) > 1 and field not in by_name:
                found[field] = ("+", *run)
    return found


def _is_there(head: Sequence[Mapping[str, Any]], path: Path) -> bool:
    return any(leads_somewhere(record, path) for record in head)


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    """The dictionaries of a list."""
    value = opened(value)
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))
    elif isinstance(value, Mapping) and value and all(isinstance(v, list) for v in value.values()):
        # datasets' way to hold a list of dictionaries: a dictionary of lists
        yield from (
            dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=False)
        )
