"""What is read is what was meant: values, answers, choices, labels, and the account of all that."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from qa_parallel.errors import SourceError
from qa_parallel.schema import CORPUS
from qa_parallel.sources.account import layout_words
from qa_parallel.sources.evalsets import open_evalset
from qa_parallel.sources.literals import parse_literal
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.sources.source import Source, open_source

PASSAGE = "Ann lives in Bern. Ben lives in Basel."


def lines(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def table(path: Path, *records: dict[str, Any]) -> Path:
    """A CSV file of `str(value)`, as pandas writes it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    return path


def opened(path: Path, **settings: Any) -> Source:
    return open_source(SourceSettings(source=str(path), **settings))


def rows(source: Source) -> list[dict[str, Any]]:
    return pl.concat(source.frames(100)).to_dicts()


def only(path: Path, record: dict[str, Any], **settings: Any) -> dict[str, Any]:
    (row,) = rows(opened(lines(path, record), **settings))
    return row


# Literals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a' 'b\\'c']", ["a", "b'c"]),
        ("['a'\n 'b']", ["a", "b"]),
        (str(np.array(["Denver Broncos", "it's"], dtype=object)), ["Denver Broncos", "it's"]),
        (
            str({"text": np.array(["a, b"], dtype=object), "answer_start": np.array([177])}),
            {"text": ["a, b"], "answer_start": [177]},
        ),
        ("{'a': array([], dtype='<U1'), 'b': np.str_('x')}", {"a": [], "b": "x"}),
        ("[{'text': 'x', 'n': 1.5}, (True, nan)]", [{"text": "x", "n": 1.5}, [True, None]]),
        ("[see below]", None),
        ("[1] It burned.", None),
        ("{unfinished", None),
        ("['a', __import__('os')]", None),
        ("[" * 9000 + "]" * 9000, None),
        ("plain", None),
    ],
)  # fmt: skip
def test_literals(text: str, value: Any) -> None:
    assert parse_literal(text) == value


# Values


@pytest.mark.parametrize(
    "answers",
    [
        {"text": np.array(["Bern", "in Bern"], dtype=object), "answer_start": np.array([13, 10])},
        {"text": ["Bern", "in Bern"], "answer_start": [13, 10]},
        json.dumps({"text": ["Bern", "in Bern"], "answer_start": [13, 10]}),
        json.dumps([{"text": "Bern", "answer_start": 13}, {"text": "in Bern"}]),
    ],
)
def test_squad_as_pandas_writes_it(tmp_path: Path, answers: Any) -> None:
    path = table(tmp_path / "a.csv", {"question": "Where?", "context": PASSAGE, "answers": answers})
    (row,) = rows(opened(path))
    assert (row["answer"], row["answers"]) == ("Bern", ["Bern", "in Bern"])
    assert (row["answer_start"], row["answer_method"]) == (13, "source")


def test_answers_as_numpy_prints_them(tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv",
        {"question": "a?", "answers": np.array(["x", "y z"], dtype=object)},
        {"question": "b?", "answers": "['Webuye']"},
        {"question": "c?", "answers": "[]"},
    )
    assert [row["answers"] for row in rows(opened(path))] == [["x", "y z"], ["Webuye"], None]


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (["", None, "b", "b", " c "], ["b", "c"]),
        ({"value": "Bern", "aliases": ["Berne", "Bern"]}, ["Bern", "Berne"]),
        ([["a", "b"], ["c"]], ["a", "b", "c"]),
        ("[1, 2]", ["[1, 2]"]),
        (12, ["12"]),
        ("nan", None),
        ("NULL", None),
        ("N/A", None),
        (float("nan"), None),
        ("None", ["None"]),
    ],
)
def test_every_right_answer_is_kept(tmp_path: Path, answer: Any, answers: Any) -> None:
    row = only(tmp_path / "a.jsonl", {"question": "Where?", "answer": answer})
    assert row["answers"] == answers
    assert row["answer"] == (answers and answers[0])


@pytest.mark.parametrize("none", ["CANNOTANSWER", ["CANNOTANSWER"], "No Answer Present."])
def test_words_for_no_answer(tmp_path: Path, none: Any) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        {"question": "a?", "answer": none, "context": PASSAGE},
        {"question": "b?", "answer": "Bern", "context": PASSAGE},
    )
    assert opened(path).counts.unanswerable == 1


def test_several_passages_are_a_row_each(tmp_path: Path) -> None:
    record = {
        "question": "Where?",
        "answers": ["Bern"],
        "positive_ctxs": [
            {"title": "Ann", "text": "Ann lives in Bern.", "passage_id": "7"},
            {"title": "Cities", "text": "Bern is a city."},
        ],
        "negative_ctxs": [{"title": "Ben", "text": "Ben lives in Basel."}],
    }
    source = opened(lines(tmp_path / "a.jsonl", record))
    assert [(row["title"], row["passage"], row["answer_start"]) for row in rows(source)] == [
        ("Ann", "Ann lives in Bern.", 13),
        ("Cities", "Bern is a city.", 0),
    ]
    assert layout_words(source.account).endswith(
        "passage ← positive_ctxs 1 (up to 2 of a question, 1 further) · left aside: negative_ctxs"
    )


def test_positives_and_negatives_of_an_evaluation_set(tmp_path: Path) -> None:
    lines(
        tmp_path / "a.jsonl",
        {"query": "where?", "pos": ["Bern.", "Basel."], "neg": ["Rain."]},
        {"query": "who?", "pos": ["Ann."], "neg": ["Bern.", "Snow."]},
    )
    evalset = open_evalset(EvalSettings(name="x", path=str(tmp_path / "a.jsonl")))
    joined = evalset.qrels.join(evalset.queries, on="qa_id").join(
        evalset.candidates, on="candidate_id"
    )
    assert set(joined.select("question", "text").iter_rows()) == {
        ("where?", "Bern."), ("where?", "Basel."), ("who?", "Ann."),
    }  # fmt: skip
    assert set(evalset.candidates["text"]) == {"Bern.", "Basel.", "Rain.", "Ann.", "Snow."}
    assert layout_words(evalset.account) == (
        "question ← query 2/2 · answer ← none · passage ← pos 2 (up to 2 of a question, 1 further)"
        " · negatives ← neg 2 (up to 2 of a question, 1 further)"
    )


def test_negatives_of_several_kinds(tmp_path: Path) -> None:
    """DPR."""
    record = {
        "question": "where?", "answers": ["Bern"], "positive_ctxs": [{"text": "Bern."}],
        "negative_ctxs": [{"text": "Rain."}], "hard_negative_ctxs": [{"text": "Basel."}],
    }  # fmt: skip
    path = lines(tmp_path / "a.jsonl", record)
    evalset = open_evalset(EvalSettings(name="x", path=str(path)))
    assert set(evalset.candidates["text"]) == {"Bern.", "Rain.", "Basel."}
    assert evalset.qrels.height == 1
    assert opened(path).account.aside == ["negative_ctxs", "hard_negative_ctxs"]


# Values of which no text can be made


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"question": "a?", "answer": {"wort": "Bern"}}, "columns answer=answer.wort"),
        ({"question": "a?", "context": {"contexts": ["x"]}}, "passage=context.contexts[*]"),
        ({"question": ["a?", "b?"]}, "columns question=question[*]"),
        ({"question": "a?", "context": [["T", ["A.", "B."]]]}, "passage=context[*][*]"),
        (
            {"question": "a?", "context": {"title": ["T"], "sentences": [["A long one."]]}},
            "passage=context.sentences[*][*]",
        ),
        ({"question": "a?", "passages": ["A.", "B."]}, "columns passage=passages[*]"),
        ({"question": {"de": {"lang": "Wer?"}}}, "columns question=question.de.lang"),
        ({"question": "a?", "answer": "{'wort': 'Bern'}"}, "columns answer=answer.wort"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, record: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError) as caught:
        opened(lines(tmp_path / "a.jsonl", record))
    assert words in str(caught.value)
    assert "a.jsonl:1" in str(caught.value)
    assert "\n" not in str(caught.value)
    # the way out that is named works
    hint = str(caught.value).split("columns ")[1].split(" ")[0].rstrip(";")
    field, _, path = hint.partition("=")
    assert rows(opened(tmp_path / "a.jsonl", columns={field: path}))


def test_a_few_unreadable_values_are_counted(tmp_path: Path) -> None:
    good = [{"question": f"{n}?", "answer": "x"} for n in range(99)]
    source = opened(lines(tmp_path / "a.jsonl", *good, {"question": "z?", "answer": {"w": 1}}))
    assert rows(source)[-1]["answer"] is None
    assert "no text in 1 values, first at" in layout_words(source.account)
    assert source.account.fields["answer"].first_unread.endswith("a.jsonl:100")


@pytest.mark.parametrize("name", ["passage", "document", "text"])
@pytest.mark.parametrize("value", ["wiki/Bern.txt", "https://x.org/a", 17, "doc_17"])
def test_file_names_are_no_passages(tmp_path: Path, name: str, value: Any) -> None:
    path = lines(tmp_path / "a.jsonl", {"question": "a?", name: value})
    source = opened(path)
    assert rows(source)[0]["passage"] is None
    assert source.account.aside == [name]
    assert rows(opened(path, columns={"passage": name}))[0]["passage"] == str(value)


# Choices


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ({"question": "a?", "choices": ["x", "y", "z"], "answer": 1}, "y"),
        ({"question": "a?", "choices": "['x' 'y' 'z']", "answer": "1"}, "y"),
        ({"question": "a?", "choices": {"text": ["x", "y"], "label": ["A", "B"]},
          "answerKey": "B"}, "y"),
        ({"question": "a?", "choices": {"text": ["x", "y"], "label": ["1", "2"]},
          "answerKey": "1"}, "x"),
        ({"question": "a?", "options": ["x", "y"], "answer": "B"}, "y"),
        ({"question": "a?", "options": {"A": "x", "B": "y"}, "answer": "b"}, "y"),
        ({"question": "a?", "A": "x", "B": "y", "C": "z", "D": "w", "answer": "D"}, "w"),
        ({"question": "a?", "opa": "x", "opb": "y", "cop": 0}, "x"),
        ({"question": "a?", "mc_answer1": "x", "mc_answer2": "y", "answer": "2"}, "y"),
        ({"question": "a?", "options": ["x", "y"], "answer": "y"}, "y"),
        ({"question": "a?", "options": ["x", "y"], "answer": 2}, "y"),
        ({"question": "Which letter?", "answer": "B"}, "B"),
    ],
)  # fmt: skip
def test_an_answer_that_names_a_choice(tmp_path: Path, record: dict[str, Any], answer: str) -> None:
    assert only(tmp_path / "a.jsonl", record)["answer"] == answer


def test_questions_and_answers_under_q_and_a_are_no_choices(tmp_path: Path) -> None:
    assert only(tmp_path / "a.jsonl", {"Q": "How many?", "A": "3", "B": "x"})["answer"] == "3"


# Labels that are taken for questions


def test_a_column_of_labels_is_no_column_of_questions(tmp_path: Path) -> None:
    records = [
        {"premise": f"The man opened door {n}.", "choice1": f"He left house {n}.",
         "question": ("cause", "effect")[n % 2], "idx": n}
        for n in range(40)
    ]  # fmt: skip
    path = lines(tmp_path / "x.jsonl", *records)
    with pytest.raises(SourceError, match=r"found 2 different in 40 .*question=premise"):
        opened(path)
    with pytest.raises(SourceError, match="question=premise"):
        open_evalset(EvalSettings(name="x", path=str(path)))
    assert opened(path, columns={"question": "premise"}).total == 40
    assert opened(path, columns={"question": "question"}).total == 2


def test_one_question_with_many_passages_is_no_label(tmp_path: Path) -> None:
    records = [{"query": f"who lives in {n % 4}?", "passage": f"Text {n}."} for n in range(40)]
    assert opened(lines(tmp_path / "x.jsonl", *records)).total == 40


# Columns that are carried along


def test_columns_that_are_kept(tmp_path: Path) -> None:
    record = {"question": "a?", "meta": {"url": "u"}, "tags": ["x", "y"], "n": 3, "more": "m"}
    source = opened(lines(tmp_path / "a.jsonl", record), keep="meta.url,tags,n")
    (frame,) = source.frames(9)
    assert frame.columns == [*CORPUS.names(), "meta.url", "tags", "n"]
    assert frame.select("meta.url", "tags", "n").row(0) == ("u", '["x", "y"]', "3")
    assert layout_words(source.account).endswith("kept: meta.url, tags, n · left aside: more")
    with pytest.raises(SourceError, match="'urls' for keep"):
        opened(tmp_path / "a.jsonl", keep="urls")
    with pytest.raises(SourceError, match="keep: expected a column beside"):
        opened(tmp_path / "a.jsonl", keep="title")


# Real data


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "language", "words"),
    [
        ("nq-qed/train.jsonl", "en",
         "question ← question_text 7,167/7,167 · answer ← answer_text 7,147 (first of up to 8; 173 "
         "further answers kept beside) · passage ← paragraph_text 7,167"),
        ("squad-questions/squad-v1.1-dev-questions.jsonl", "en",
         "question ← question 10,570/10,570 · answer ← answer 10,570 (first of up to 5; 7,445 "
         "further answers kept beside) · passage ← none"),
        ("afriqa/hau.en.train.json", "ha",
         "question ← question_lang 225/225 · answer ← answer_lang 224 · passage ← none"),
        ("xquad-r/en.json", "en",
         "question ← question 1,190/1,190 · answer ← answers 1,190 · passage ← context 1,190"),
    ],
)  # fmt: skip
def test_real_accounts(realdata: Path, name: str, language: str, words: str) -> None:
    assert layout_words(opened(realdata / name, source_language=language).account).startswith(words)


@pytest.mark.realdata
def test_xcopa_asks_for_cause_and_effect(realdata: Path) -> None:
    for path in sorted((realdata / "xcopa-val").glob("*.jsonl")):
        with pytest.raises(SourceError, match="question=premise"):
            opened(path, source_language=path.stem)
