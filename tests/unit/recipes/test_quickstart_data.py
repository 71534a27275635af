"""The quickstart questions: exact spans, no repeats, and the size their README gives."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

QUICKSTART = Path(__file__).parents[3] / "recipes" / "quickstart"
FIELDS = {"id", "title", "question", "answer", "passage", "answer_start"}


def sentences(passage: str) -> list[str]:
    return re.split(r"(?<=[.?!])\s+", passage)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    text = (QUICKSTART / "questions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_has_the_same_filled_fields(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert set(row) == FIELDS
        assert type(row["answer_start"]) is int
        for name in FIELDS - {"answer_start"}:
            value = row[name]
            assert isinstance(value, str), (row["id"], name)
            assert value, (row["id"], name)
            assert value == " ".join(value.split()), (row["id"], name)


def test_answers_are_exact_spans(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        start, answer, passage = row["answer_start"], row["answer"], row["passage"]
        assert start >= 0
        assert passage[start : start + len(answer)] == answer, row["id"]


def test_answers_are_whole_words_found_once_in_one_sentence(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        pattern = rf"(?<!\w){re.escape(row['answer'])}(?!\w)"
        assert [m.start() for m in re.finditer(pattern, row["passage"])] == [row["answer_start"]]
        assert any(row["answer"] in sentence for sentence in sentences(row["passage"])), row["id"]


def test_ids_and_questions_are_unique(rows: list[dict[str, Any]]) -> None:
    assert len({row["id"] for row in rows}) == len(rows)
    questions = Counter(row["question"].casefold() for row in rows)
    assert [question for question, count in questions.items() if count > 1] == []
    assert all(row["question"].endswith("?") for row in rows)


def test_counts(rows: list[dict[str, Any]]) -> None:
    per_passage = Counter(row["passage"] for row in rows)
    assert 180 <= len(rows) <= 220
    assert 50 <= len(per_passage) <= 70
    assert set(per_passage.values()) <= {3, 4}
    readme = (QUICKSTART / "README.md").read_text(encoding="utf-8")
    assert f"{len(rows)} English questions about {len(per_passage)} short passages" in readme
    card = (QUICKSTART.parents[1] / "data_cards" / "quickstart.md").read_text(encoding="utf-8")
    assert f"{len(rows)} questions over {len(per_passage)} short passages" in card


def test_each_passage_has_one_title(rows: list[dict[str, Any]]) -> None:
    pairs = {(row["title"], row["passage"]) for row in rows}
    assert len(pairs) == len({title for title, _ in pairs})
    assert len(pairs) == len({passage for _, passage in pairs})


def test_passages_are_three_to_five_short_sentences(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        parts = sentences(row["passage"])
        assert 3 <= len(parts) <= 5, row["id"]
        assert all(4 <= len(part.split()) <= 10 for part in parts), row["id"]
