"""Data sets as they lie: one real or re-made record of each, and what is read of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qa_parallel.errors import SourceError
from qa_parallel.sources.account import layout_words
from qa_parallel.sources.evalsets import open_evalset
from qa_parallel.sources.settings import EvalSettings
from tests.unit.sources.test_layouts import PASSAGE, lines, opened, rows

Rows = list[tuple[str | None, ...]]

SHAPES: list[tuple[str, dict[str, Any], Rows]] = [
    ("DPR", {
        "dataset": "nq_dev_psgs_w100", "question": "where?", "answers": ["Bern", "Berne"],
        "positive_ctxs": [{"title": "Ann", "text": PASSAGE, "score": 1000, "passage_id": "17"}],
        "negative_ctxs": [], "hard_negative_ctxs": [{"title": "B", "text": "No.", "score": 1}],
    }, [("where?", "Bern", PASSAGE)]),
    ("MS MARCO", {
        "answers": ["Bern"], "query": "where?", "query_id": 9, "query_type": "LOCATION",
        "passages": {"is_selected": [0, 1], "passage_text": ["No.", PASSAGE], "url": ["a", "b"]},
        "wellFormedAnswers": "[]",
    }, [("where?", "Bern", PASSAGE)]),
    ("AfriQA queries", {
        "id": "0", "question": "Je, wapi?", "translated_question": "Where?", "split": "train",
        "answers": "['Webuye']", "translated_answer": "['Webuye town']",
        "translation_type": "human_translation",
    }, [("Where?", "Webuye town", None)]),
    ("NQ-open", {"question": "where?", "answer": ["Bern", "Berne"]}, [("where?", "Bern", None)]),
    ("MKQA", {
        "query": "where?", "example_id": -7, "queries": {"en": "where?", "de": "wo?"},
        "answers": {"en": [{"type": "entity", "text": "Bern", "aliases": ["Berne"]}],
                    "de": [{"type": "entity", "text": "Bärn", "aliases": []}]},
    }, [("where?", "Bern", None)]),
    ("SciQ", {
        "question": "where?", "distractor3": "x", "distractor1": "y", "distractor2": "z",
        "correct_answer": "Bern", "support": PASSAGE,
    }, [("where?", "Bern", PASSAGE)]),
    ("NarrativeQA", {
        "document": {"id": "23", "kind": "book", "url": "u", "text": "The whole book",
                     "summary": {"text": PASSAGE, "tokens": ["Ann"], "title": "T"}},
        "question": {"text": "Where?", "tokens": ["Where", "?"]},
        "answers": [{"text": "Bern", "tokens": ["Bern"]}, {"text": "In Bern"}],
    }, [("Where?", "Bern", PASSAGE)]),
    ("NarrativeQA as a table", {
        "document_id": "23", "set": "train", "question": "Where?", "answer1": "Bern",
        "answer2": "In Bern", "question_tokenized": "where ?",
    }, [("Where?", "Bern", None)]),
    ("PopQA", {
        "id": 4, "subj": "Ann", "prop": "home", "obj": "Bern", "question": "Where?",
        "possible_answers": '["Bern", "Berne"]', "s_aliases": "[]",
    }, [("Where?", "Bern", None)]),
    ("WebQuestions", {
        "url": "u", "question": "where?", "answers": ["Bern"],
    }, [("where?", "Bern", None)]),
    ("WebQuestions as it was published", {
        "url": "u", "utterance": "who?",
        "targetValue": '(list (description "Jazmyn Bieber") (description Jaxon))',
    }, [("who?", "Jazmyn Bieber", None)]),
    ("Mr.TyDi, MIRACL", {
        "query_id": "q1", "query": "where?", "positive_passages": [
            {"docid": "1#0", "title": "Ann", "text": PASSAGE}],
        "negative_passages": [{"docid": "2#0", "title": "B", "text": "No."}],
    }, [("where?", None, PASSAGE)]),
    ("FlagEmbedding", {"query": "where?", "pos": ["A.", "B."], "neg": ["C."]},
     [("where?", None, "A."), ("where?", None, "B.")]),
    ("CoQA", {
        "source": "wikipedia", "story": PASSAGE, "questions": ["Where?", "Who?"],
        "answers": {"input_text": ["Bern", "Ben"], "answer_start": [0, 19], "answer_end": [18, 37]},
    }, [("Where?", "Bern", PASSAGE), ("Who?", "Ben", PASSAGE)]),
    ("CoQA as it was published", {
        "id": "3z", "story": PASSAGE,
        "questions": [{"input_text": "Where?", "turn_id": 1}, {"input_text": "Who?", "turn_id": 2}],
        "answers": [{"span_text": "x", "input_text": "Bern", "turn_id": 1},
                    {"span_text": "y", "input_text": "Ben", "turn_id": 2}],
    }, [("Where?", "Bern", PASSAGE), ("Who?", "Ben", PASSAGE)]),
    ("QuAC", {
        "dialogue_id": "d", "context": PASSAGE, "turn_ids": ["d_q#0", "d_q#1"],
        "questions": ["Where?", "Why?"], "answers": {"texts": [["Bern"], ["x"]]},
        "orig_answers": {"texts": ["Bern", "CANNOTANSWER"], "answer_starts": [13, 38]},
    }, [("Where?", "Bern", PASSAGE)]),
    ("TriviaQA", {
        "question": "Where?", "question_id": "tc_1", "entity_pages": {"filename": ["Bern.txt"]},
        "search_results": {"search_context": ["x"]},
        "answer": {"aliases": ["Berne"], "normalized_value": "bern", "value": "Bern"},
    }, [("Where?", "Bern", None)]),
    ("MFAQ", {
        "id": 3, "language": "en", "num_pairs": 2, "domain": "x.org", "qa_pairs": [
            {"question": "Where?", "answer": "Bern", "language": "en"},
            {"question": "Who?", "answer": "Ben", "language": "en"}],
    }, [("Where?", "Bern", None), ("Who?", "Ben", None)]),
    ("ShareGPT", {
        "id": "c1", "conversations": [
            {"from": "system", "value": "Be kind."}, {"from": "human", "value": "Where?"},
            {"from": "gpt", "value": "Bern"}, {"from": "human", "value": "Who?"},
            {"from": "gpt", "value": "Ben"}],
    }, [("Where?", "Bern", None), ("Who?", "Ben", None)]),
    ("messages", {
        "messages": [{"role": "user", "content": "Where?"},
                     {"role": "assistant", "content": [{"type": "text", "text": "Bern"}]}],
    }, [("Where?", "Bern", None)]),
    ("Belebele", {
        "link": "https://en.wikinews.org/1", "question_number": 2, "flores_passage": PASSAGE,
        "question": "Where?", "mc_answer1": "Bern", "mc_answer2": "Basel", "mc_answer3": "x",
        "mc_answer4": "y", "correct_answer_num": "1", "dialect": "eng_Latn", "ds": "2023-05-03",
    }, [("Where?", "Bern", PASSAGE)]),
    ("DROP", {
        "section_id": "s", "query_id": "q", "passage": PASSAGE, "question": "Where?",
        "answers_spans": {"spans": ["Bern", "in Bern"], "types": ["span", "span"]},
    }, [("Where?", "Bern", PASSAGE)]),
    ("BoolQ", {"question": "is it", "answer": True, "passage": PASSAGE},
     [("is it", "yes", PASSAGE)]),
    ("ARC as it was published", {
        "id": "1", "answerKey": "B", "question": {"stem": "Which?", "choices": [
            {"text": "x", "label": "A"}, {"text": "y", "label": "B"}]},
    }, [("Which?", "y", None)]),
    ("RACE", {"article": PASSAGE, "question": "Where?", "options": ["Basel", "Bern"], "answer": "B",
              "example_id": "high1.txt"}, [("Where?", "Bern", PASSAGE)]),
    ("OpenBookQA", {
        "id": "7-9", "question_stem": "Where is", "answerKey": "B",
        "choices": {"text": ["Basel", "Bern"], "label": ["A", "B"]},
    }, [("Where is", "Bern", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "record", "expected"), SHAPES, ids=[one[0] for one in SHAPES])
def test_read_as_they_lie(
    tmp_path: Path, name: str, record: dict[str, Any], expected: Rows
) -> None:
    found = rows(opened(lines(tmp_path / "a.jsonl", record)))
    assert [(row["question"], row["answer"], row["passage"]) for row in found] == expected
    ids = [row["qa_id"] for row in found]
    assert len(set(ids)) == len(ids)


def test_one_question_of_many_has_its_own_id(tmp_path: Path) -> None:
    record = next(record for name, record, _ in SHAPES if name == "ShareGPT")
    source = opened(lines(tmp_path / "a.jsonl", record))
    assert [row["qa_id"] for row in rows(source)] == ["c1.0", "c1.1"]
    assert layout_words(source.account).startswith(
        "question ← conversations[*].user 2/2 · answer ← conversations[*].assistant 2"
    )


def test_a_path_to_every_turn(tmp_path: Path) -> None:
    record = {
        "log": {"turns": [{"ask": "a?", "say": "x"}, {"ask": "b?", "say": "y"}]},
        "t": PASSAGE,
    }
    columns = {"question": "log.turns[*].ask", "answer": "log.turns[*].say", "passage": "t"}
    found = rows(opened(lines(tmp_path / "a.jsonl", record), columns=columns))
    assert [(row["question"], row["answer"], row["passage"]) for row in found] == [
        ("a?", "x", PASSAGE),
        ("b?", "y", PASSAGE),
    ]


def test_turns_in_turns(tmp_path: Path) -> None:
    record = {
        "pages": [
            {"text": "A.", "qas": [{"q": "a?", "a": "x"}, {"q": "b?", "a": "y"}]},
            {"text": "B.", "qas": [{"q": "c?", "a": "z"}]},
        ]
    }
    columns = {
        "question": "pages[*].qas[*].q", "answer": "pages[*].qas[*].a", "passage": "pages[*].text",
    }  # fmt: skip
    found = rows(opened(lines(tmp_path / "a.jsonl", record), columns=columns))
    assert [(row["question"], row["answer"], row["passage"]) for row in found] == [
        ("a?", "x", "A."), ("b?", "y", "A."), ("c?", "z", "B."),
    ]  # fmt: skip
    uneven = {"questions": ["a?", "b?"], "answers": ["x"]}
    with pytest.raises(SourceError, match="as many answers as questions, found 1 in answers"):
        opened(
            lines(tmp_path / "b.jsonl", uneven),
            columns={"question": "questions[*]", "answer": "answers[*]"},
        )


def test_a_dictionary_of_languages_is_a_layout(tmp_path: Path) -> None:
    record = next(record for name, record, _ in SHAPES if name == "MKQA")
    path = lines(tmp_path / "a.jsonl", record)
    (row,) = rows(opened(path, source_language="de"))
    assert (row["question"], row["answer"], row["qa_id"]) == ("wo?", "Bärn", "-7")
    with pytest.raises(SourceError, match="questions in fra_Latn, found eng_Latn, deu_Latn in"):
        opened(path, source_language="fr")
    columns = {"question": "queries.de"}
    assert rows(opened(path, columns=columns))[0]["question"] == "wo?"
    evalset = open_evalset(EvalSettings(name="x", path=str(path), language="de"))
    assert evalset.queries["question"].to_list() == ["wo?"]


def test_native_queries_of_afriqa(tmp_path: Path) -> None:
    record = next(record for name, record, _ in SHAPES if name == "AfriQA queries")
    (row,) = rows(opened(lines(tmp_path / "a.jsonl", record), source_language="sw"))
    assert (row["question"], row["answer"]) == ("Je, wapi?", "Webuye")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"instruction": "a", "input": "", "output": "b"},
         "columns question=instruction,answer=output,passage=input"),
        ({"instruction": "a", "context": "", "response": "b"}, "question=instruction,answer="),
        ({"17": "x", "where is it": "y"}, "columns 0=id,1=question"),
    ],
)  # fmt: skip
def test_columns_that_are_suggested(tmp_path: Path, record: dict[str, str], words: str) -> None:
    with pytest.raises(SourceError) as caught:
        opened(lines(tmp_path / "a.jsonl", record))
    assert words in str(caught.value)
