"""Runs over evaluation sets: worked by hand, and real questions against trec_eval."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from qa_parallel.errors import SourceError
from qa_parallel.evaluation import ranking as module
from qa_parallel.evaluation.measures import SHARE
from qa_parallel.evaluation.ranking import Measurements, Task, Vectors, debias, evaluate, summarise
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES, RESULTS
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings
from tests.small_corpora import corpus_folder, corpus_frame


def evalset(
    queries: list[tuple[str, str]],
    candidates: list[tuple[str, str]],
    qrels: list[tuple[str, str, int]],
) -> EvalSet:
    """Queries and candidates by language and key; what is relevant by keys with languages."""

    def row(schema: pl.Schema, **values: Any) -> dict[str, Any]:
        return dict.fromkeys(schema) | values

    return EvalSet(
        "set",
        "set@0",
        "0",
        pl.DataFrame(
            [
                row(QUERIES, query_id=f"set/{code}/{key}", language=code, qa_id=f"set/{key}",
                    question=f"{code} {key}?")
                for code, key in queries
            ],
            schema=QUERIES,
        ),
        pl.DataFrame(
            [
                row(CANDIDATES, candidate_id=f"set/{code}/{key}", language=code, text=key,
                    title="Title", passage=f"{key} and more")
                for code, key in candidates
            ],
            schema=CANDIDATES,
        ),
        pl.DataFrame(
            [(f"set/{key}", f"set/{place}", grade) for key, place, grade in qrels],
            schema=QRELS,
            orient="row",
        ),
    )  # fmt: skip


# In the order of the task: German a, b; English a, b, c.
SET = evalset(
    [("eng", "1"), ("deu", "1"), ("eng", "2"), ("eng", "3")],
    [("eng", "c"), ("eng", "b"), ("deu", "b"), ("eng", "a"), ("deu", "a")],
    [("1", "eng/a", 1), ("1", "deu/a", 1), ("2", "eng/b", 1), ("2", "eng/c", 0), ("3", "deu/a", 0)],
)
# A row of scores for German 1, English 1, 2, 3: candidates are unit vectors.
SCORES = np.array(
    [
        [0.3, 0.3, 0.3, 0.1, 0.9],  # a ties with b, and goes before it
        [0.2, 0.9, 0.8, 0.8, 0.1],
        [0.5, 0.4, 0.3, 0.6, 0.7],
        [0.0, 0.0, 0.0, 0.0, 0.0],  # nothing is relevant
    ],
    dtype=np.float32,
)


def found() -> Measurements:
    return evaluate(Task(SET), SCORES, np.eye(5, dtype=np.float32))


def value(results: pl.DataFrame, measure: str, setting: str, *languages: str | None) -> float:
    pair = (*languages, None, None)[:2]
    (one,) = [
        row["value"]
        for row in results.iter_rows(named=True)
        if (row["measure"], row["setting"], row["query_language"], row["candidate_language"])
        == (measure, setting, *pair)
    ]
    return float(one)


def test_by_hand() -> None:
    """English 1: German b, English a, b, German a, English c; its answers at 2 and 4 of them."""
    results = summarise(found(), encoder="e", seed=3, signature="s")
    assert results.schema == RESULTS
    assert set(results["encoder"]) == {"e"}
    assert set(results["seed"]) == {3}
    expected = {
        ("map", "monolingual", "eng", "eng"): (1 + 1 / 2) / 2,
        ("map", "monolingual", "deu", "deu"): 1,
        ("map", "monolingual"): (3 / 4 + 1) / 2,
        ("map", "cross-lingual", "eng", "deu"): 1 / 2,
        ("map", "cross-lingual", "deu", "eng"): 1 / 2,
        ("map", "cross-lingual"): 1 / 2,
        ("map", "multilingual", "eng"): ((1 / 2 + 2 / 4) / 2 + 1 / 2) / 2,
        ("mrr", "multilingual", "eng"): 1 / 2,
        ("recall@1", "monolingual", "eng", "eng"): 1 / 2,
        ("rank_distance", "multilingual", "eng"): 2,
        ("rank_distance", "multilingual", "deu"): 2,
        ("rank_distance", "multilingual"): 2,
        (SHARE.name, "multilingual", "eng", "deu"): 2 / 5,
    }
    for place, wanted in expected.items():
        assert value(results, *place) == pytest.approx(wanted), place


def test_what_is_left_out_is_counted() -> None:
    assert found().counts == {
        "monolingual": {"runs": 2, "queries": 3, "without": 1},
        "cross-lingual": {"runs": 2, "queries": 2, "without": 2},
        "multilingual": {"runs": 2, "queries": 3, "without": 1, "single": 1},
    }
    results = summarise(found())
    counted = results.filter(measure="rank_distance", query_language="eng")
    assert counted["queries"].to_list() == [1]


def test_languages_that_are_not_joined_are_alone() -> None:
    """MIRACL: a query has relevant passages in its own language, nobody looked at the others."""
    alone = evalset(
        [("eng", "1"), ("deu", "2")],
        [("eng", "a"), ("deu", "a")],
        [("1", "eng/a", 1), ("2", "deu/a", 2)],
    )
    values = evaluate(Task(alone), np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)).values
    assert set(values["setting"]) == {"monolingual"}


def test_questions_in_another_language_than_the_passages() -> None:
    native = evalset([("swh", "1")], [("eng", "a"), ("eng", "b")], [("1", "eng/b", 1)])
    scores = np.array([[0.9, 0.1]], dtype=np.float32)
    results = summarise(evaluate(Task(native), scores, np.eye(2, dtype=np.float32)))
    assert value(results, "map", "cross-lingual", "swh", "eng") == 0.5
    assert set(results["setting"]) == {"cross-lingual"}


def test_nothing_to_retrieve() -> None:
    with pytest.raises(SourceError, match="found 1 queries, 0 candidates and no pair"):
        Task(evalset([("eng", "1")], [], []))


def test_texts_of_candidates() -> None:
    task = Task(SET)
    assert task.questions == ["deu 1?", "eng 1?", "eng 2?", "eng 3?"]
    assert task.texts()[:2] == ["a", "b"]
    assert task.texts("sentence+passage")[0] == "a a and more"
    assert task.texts(titles=True)[0] == "Title a"


def test_documents_of_beir_have_their_title(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "Who?"}\n')
    (tmp_path / "corpus.jsonl").write_text(
        '{"_id": "d", "title": "T", "text": "He."}\n{"_id": "e", "title": "", "text": "She."}\n'
    )
    (tmp_path / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    task = Task(open_evalset(EvalSettings(name="b", path=str(tmp_path))))
    assert task.texts("sentence+passage") == ["T He.", "She."]
    assert task.texts(titles=False) == ["He.", "She."]


def test_judgements_with_grades(tmp_path: Path) -> None:
    """MIRACL's layout, a folder a language: nDCG by grade, a grade of 0 is not relevant."""
    for code in ("sw", "te"):
        folder = tmp_path / code
        (folder / "topics").mkdir(parents=True)
        (folder / "qrels").mkdir()
        (folder / "topics/topics.dev.tsv").write_text("1\tWho?\n2\tNobody?\n")
        docs = [json.dumps({"docid": f"d#{n}", "title": "T", "text": f"{n}"}) for n in range(3)]
        (folder / "docs-0.jsonl").write_text("\n".join(docs))
        (folder / "qrels/qrels.dev.tsv").write_text(
            "1 Q0 d#0 0\n1 Q0 d#1 1\n1 Q0 d#2 3\n2 Q0 d#0 0\n"
        )
    task = Task(open_evalset(EvalSettings(name="m", path=str(tmp_path))))
    scores = np.array([[0.9, 0.8, 0.1] * 2] * 4, dtype=np.float32)
    found = evaluate(task, scores, np.eye(6, dtype=np.float32))
    assert found.counts == {"monolingual": {"runs": 2, "queries": 2, "without": 2}}
    gain = (1 / np.log2(3) + 3 / np.log2(4)) / (3 + 1 / np.log2(3))
    assert found.values["ndcg@10"].to_list() == [pytest.approx(gain)] * 2
    assert found.values["mrr"].to_list() == [0.5, 0.5]


def test_a_corpus_of_ours(tmp_path: Path) -> None:
    """A row whose answer stands nowhere has nothing relevant, and is counted."""
    passage = "Rain fell. The mill burned."
    rows = [
        {
            "qa_id": key,
            "passage_id": "p",
            "language": code,
            "question": f"{code} {key}?",
            "passage": f"{passage} {code}.",
            "sentence_breaks": [[0, 10], [11, 27], [28, 37]],
            "answer_sentences": sentences,
        }
        for code in ("deu_Latn", "eng_Latn")
        for key, sentences in (("a", [1]), ("b", [0, 1]), ("c", []))
    ]
    corpus_folder(tmp_path / "corpus", corpus_frame(rows))
    task = Task(open_evalset(EvalSettings(name="c", path=str(tmp_path / "corpus"))))
    assert task.texts()[:3] == ["Rain fell.", "The mill burned.", "deu_Latn."]
    found = evaluate(task, np.ones((6, 1), np.float32), np.ones((6, 1), np.float32))
    assert found.counts["monolingual"] == {"runs": 2, "queries": 4, "without": 2}
    # all scores tie, so ids decide: the first sentence, then the second
    mine = found.values.filter(setting="monolingual", qa_id="c/b")
    assert mine["map"].to_list() == [1.0, 1.0]


def test_equal_candidates_tie_in_any_column() -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((1000, 384), dtype=np.float32)
    vectors[[3, 17, 501, 999]] = vectors[0]
    queries = random.standard_normal((37, 384), dtype=np.float32)
    scores = module._Search(vectors).scores(queries)
    for column in (3, 17, 501, 999):
        assert (scores[:, column] == scores[:, 0]).all()
    np.testing.assert_allclose(scores, queries @ vectors.T, rtol=1e-4, atol=1e-4)


def test_the_size_of_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found()
    monkeypatch.setattr(module, "_SCORES", 1)
    assert found().values.equals(whole.values)
    assert found().shares.equals(whole.shares)


def test_debias_takes_each_language_its_mean() -> None:
    vectors = np.array([[1, 2], [3, 2], [0, 5]], dtype=np.float32)
    found = debias(vectors, pl.Series(["a", "a", "b"]))
    assert found.tolist() == [[-1, 0], [1, 0], [0, 0]]


def trigrams(texts: list[str]) -> Vectors:
    """Hashed counts of trigrams: a poor encoder, with many ties, that needs no weights."""
    vectors = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in enumerate(texts):
        for start in range(len(text)):
            vectors[row, zlib.crc32(text[start : start + 3].lower().encode()) % 256] += 1
    return vectors


@pytest.mark.realdata
def test_real_questions_the_same_as_trec_eval(realdata: Path, tmp_path: Path) -> None:
    """XQuAD-R in English, Chinese and Arabic, which have sentences that occur twice."""
    ir_measures = pytest.importorskip("ir_measures")
    for code in ("en", "zh", "ar"):
        (tmp_path / f"{code}.json").symlink_to(realdata / "xquad-r" / f"{code}.json")
    whole = open_evalset(EvalSettings(name="x", path=str(tmp_path)))
    task = Task(replace(whole, queries=whole.queries.gather_every(51)))
    assert task.candidates.height == 1180 + 1196 + 1222
    queries, candidates = trigrams(task.questions), trigrams(task.texts())
    scores = queries @ candidates.T  # whole numbers: exact
    values = evaluate(task, queries, candidates).values
    ids = task.queries["query_id"].to_list()
    names = [f"{len(task.candidates) - n:05d}" for n in range(task.candidates.height)]
    languages = task.candidates["language"].to_list()
    measures = {"map": ir_measures.AP, "ndcg@10": ir_measures.nDCG @ 10,
                "recall@10": ir_measures.R @ 10}  # fmt: skip
    for language in (None, "zho_Hans", "arb_Arab"):
        columns = [n for n, code in enumerate(languages) if language in (None, code)]
        chosen = set(columns)
        qrels = [
            ir_measures.Qrel(ids[row], names[column], 1)
            for row, column in zip(task.rows, task.columns, strict=True)
            if column in chosen
        ]
        run = [
            ir_measures.ScoredDoc(ids[row], names[column], float(scores[row, column]))
            for row in range(len(ids))
            for column in columns
        ]
        theirs = {
            (one.query_id, str(one.measure)): one.value
            for one in ir_measures.iter_calc(list(measures.values()), qrels, run)
        }
        mine = values.filter(pl.col("candidate_language").eq_missing(language))
        assert mine.height == len(ids)
        for name, one in measures.items():
            expected = [theirs[query, str(one)] for query in mine["query_id"]]
            np.testing.assert_allclose(mine[name], expected, atol=1e-6)
