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


def beir(folder: Path, seed: int = 0) -> dict[tuple[str, str], int]:
    """A BEIR folder of 40 queries and 60 documents; its judgements, grades 0 to 2."""
    random = np.random.default_rng(seed)
    words = [f"w{n}" for n in range(30)]
    queries = {f"q{n}": " ".join(random.choice(words, 3)) for n in range(40)}
    documents = {f"d{n:02d}": " ".join(random.choice(words, 8)) for n in range(60)}
    judged = {
        (query, str(document)): int(random.integers(0, 3))
        for query in queries
        for document in random.choice(sorted(documents), 5, replace=False)
    }
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("queries", queries), ("corpus", documents)):
        rows = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    lines = [f"{query}\t{document}\t{score}\n" for (query, document), score in judged.items()]
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    return judged


@pytest.mark.parametrize("kept", [60, 59, 40, 3])
def test_missing_documents_count_as_in_trec_eval(tmp_path: Path, kept: int) -> None:
    """Documents are taken from the collection, their judgements stay."""
    ir_measures = pytest.importorskip("ir_measures")
    judged = beir(tmp_path)
    file = tmp_path / "corpus.jsonl"
    file.write_text("\n".join(file.read_text().splitlines()[60 - kept :]))
    task = Task(open_evalset(EvalSettings(name="b", path=str(tmp_path), missing=1)))
    assert task.candidates.height == kept
    queries, candidates = trigrams(task.questions), trigrams(task.texts())
    scores = queries @ candidates.T
    values = evaluate(task, queries, candidates).values
    # trec_eval breaks ties by the later id, we by the earlier one
    name = {f"d{n:02d}": f"x{99 - n}" for n in range(60)}
    qrels = [ir_measures.Qrel(query, name[key], score) for (query, key), score in judged.items()]
    run = [
        ir_measures.ScoredDoc(query, name[key], float(scores[row, column]))
        for row, query in enumerate(task.queries["local_id"])
        for column, key in enumerate(task.candidates["local_id"])
    ]
    wanted = {
        "map": ir_measures.AP, "mrr": ir_measures.RR, "recall@1": ir_measures.R @ 1,
        "recall@10": ir_measures.R @ 10, "recall@100": ir_measures.R @ 100,
        "ndcg@10": ir_measures.nDCG @ 10,
    }  # fmt: skip
    theirs = {
        (one.query_id, str(one.measure)): one.value
        for one in ir_measures.iter_calc(list(wanted.values()), qrels, run)
    }
    mine = values.filter(setting="monolingual")
    # a query whose relevant documents are all missing stays, and scores 0
    relevant = {query for (query, _), score in judged.items() if score > 0}
    assert set(mine["qa_id"].str.split("/").list.last()) == relevant
    for measure, one in wanted.items():
        expected = [theirs[query.rpartition("/")[2], str(one)] for query in mine["query_id"]]
        np.testing.assert_allclose(mine[measure], expected, atol=1e-6, err_msg=measure)


def test_a_collection_with_a_hole(tmp_path: Path) -> None:
    judged = beir(tmp_path)
    file = tmp_path / "corpus.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[1:]))
    gone = {pair: score for pair, score in judged.items() if pair[1] == "d00"}
    found = sum(score > 0 for score in gone.values())
    settings = EvalSettings(name="b", path=str(tmp_path), missing=0.1)
    task = Task(open_evalset(settings))
    assert task.judged == {
        "judgements": 200, "missing": len(gone), "relevant_missing": found,
        "relevant": sum(score > 0 for score in judged.values()),
    }  # fmt: skip
    file.write_text("\n".join(lines[20:]))
    with pytest.raises(
        SourceError, match=r"found \d+ of 200 judgements .* more than 10%; .*missing"
    ):
        Task(open_evalset(settings))
    with pytest.raises(SourceError, match="more than 2%"):
        Task(open_evalset(EvalSettings(name="b", path=str(tmp_path))))
    Task(open_evalset(settings.model_copy(update={"missing": 0.6})))


def test_a_language_whose_documents_are_all_missing() -> None:
    hole = evalset(
        [("eng", "1")], [("eng", "a"), ("eng", "b")], [("1", "eng/a", 1), ("1", "swh/a", 1)]
    )
    task = Task(replace(hole, missing=1))
    assert task.blocks == {"eng": (0, 2), "swh": (2, 2)}
    results = summarise(
        evaluate(task, np.eye(2, dtype=np.float32)[:1], np.eye(2, dtype=np.float32))
    )
    assert value(results, "map", "monolingual", "eng", "eng") == 1
    assert value(results, "map", "cross-lingual", "eng", "swh") == 0
    assert value(results, "map", "multilingual", "eng") == 0.5


def parallel(tmp_path: Path, pairs: dict[str, list[str]]) -> Task:
    """Parallel sentences, each its own question and passage."""
    for code, texts in pairs.items():
        rows = [{"id": f"sentence-{n}-x", "question": text, "context": f" {text.upper()} "}
                for n, text in enumerate(texts)]  # fmt: skip
        (tmp_path / f"{code}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return Task(open_evalset(EvalSettings(name="p", path=str(tmp_path), parallel=True)))


def test_a_text_does_not_retrieve_itself(tmp_path: Path) -> None:
    """Parallel sentences as question = passage: the own text would always come first."""
    task = parallel(tmp_path, {"de": ["eins", "zwei"], "en": ["one", "two"]})
    assert task.own.height == 4
    vectors = {"eins": [1.0, 0], "one": [0.8, 0.6], "zwei": [0, 1.0], "two": [0.7, 0.7]}
    asked, found = (
        np.array([vectors[text.strip().lower()] for text in texts], dtype=np.float32)
        for texts in (task.questions, task.texts())
    )
    measured = evaluate(task, asked, found)
    assert set(measured.values["setting"]) == {"cross-lingual", "multilingual"}
    results = summarise(measured)
    # "eins": one, two, zwei; the own text is no distractor either
    mine = measured.values.filter(setting="multilingual", query_id="p/deu_Latn/sentence-0-x")
    assert mine["map"].to_list() == [1.0]
    assert (results.filter(measure="map")["value"] <= 1).all()
    head = measured.shares.filter(query_language="deu_Latn")
    assert dict(zip(head["candidate_language"], head["value"], strict=True)) == {
        "deu_Latn": pytest.approx(1 / 3), "eng_Latn": pytest.approx(2 / 3),
    }  # fmt: skip


def test_equal_texts_of_other_groups_stay(tmp_path: Path) -> None:
    """The same word in another language, or as the answer to another question, is a candidate."""
    task = parallel(tmp_path, {"de": ["Radio", "Haus"], "en": ["Radio", "house"]})
    languages = task.queries["language"][task.own["row"]]
    assert (languages == task.candidates["language"][task.own["column"]]).all()
    assert task.own.height == 4


def test_the_query_among_the_documents(tmp_path: Path) -> None:
    """As in Quora and ArguAna, where it has the same id and is not judged."""
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "How to mill?"}\n')
    rows = {"1": "How  to mill?", "2": "How to mill?", "3": "How do I mill?"}
    (tmp_path / "corpus.jsonl").write_text(
        "\n".join(json.dumps({"_id": key, "text": text}) for key, text in rows.items())
    )
    (tmp_path / "qrels/test.tsv").write_text("1\t3\t1\n")
    task = Task(open_evalset(EvalSettings(name="b", path=str(tmp_path))))
    one = np.array([[1, 0]], dtype=np.float32)
    values = evaluate(task, one, np.array([[1, 0], [1, 0], [0.5, 0]], dtype=np.float32)).values
    assert values["map"].to_list() == [1 / 2]  # the other question of the same text is before it


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_vectors_that_are_no_numbers(wrong: float, side: int) -> None:
    queries, candidates = np.eye(5, dtype=np.float32)[:4], np.eye(5, dtype=np.float32)
    (queries, candidates)[side][2, 1] = wrong
    first = ("set/eng/2", "set/eng/a")[side]
    with pytest.raises(SourceError, match=f"found NaN or infinity in 1 of .*that of {first}"):
        evaluate(Task(SET), queries, candidates)


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
