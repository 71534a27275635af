"""Leaks: every kind of evidence, what is no leak, and what a leak takes with it."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from qa_parallel.leakage.find import Reference, drop_leaks, find_leaks, leaked_groups
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.schema import CANDIDATES, CORPUS, LEAKS, QRELS, QUERIES
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.sources.source import open_source
from qa_parallel.text import comparison_form

PASSAGE = (
    "The old stone mill above the village was struck by lightning in the summer of 1902 and "
    "burned to the ground within an hour, although the whole village came running with buckets"
)
OTHER = (
    "Ferries have crossed the strait between the two islands since the harbour was dredged, and "
    "a timetable printed in three languages hangs in every shop along the quay"
)


def rows(*given: dict[str, Any]) -> pl.DataFrame:
    """CORPUS rows; what is not given is null, ids come from the place."""
    filled = []
    for number, row in enumerate(given):
        own = {
            "qa_id": f"q{number}",
            "passage_id": f"p{number}",
            "language": "eng_Latn",
            "flags": [],
        }
        filled.append(dict.fromkeys(CORPUS) | own | row)
    return pl.DataFrame(filled, schema=CORPUS)


def evalset(
    *questions: str,
    passages: Sequence[str] = (),
    name: str = "bench",
    ids: Sequence[str] = (),
    **given: Any,
) -> EvalSet:
    """An evaluation set of these questions; each passage is relevant to the first of them."""
    queries = [
        {
            "query_id": f"{name}/eng_Latn/{n}",
            "benchmark": name,
            "language": given.get("language", "eng_Latn"),
            "qa_id": f"{name}/{n}",
            "local_id": ids[n] if ids else None,
            "question": text,
            "answer": given["answers"][n] if "answers" in given else None,
        }
        for n, text in enumerate(questions)
    ]
    candidates = [
        {
            "candidate_id": f"{name}/eng_Latn/p{n}",
            "benchmark": name,
            "language": "eng_Latn",
            "local_id": None,
            "title": given.get("title"),
            "text": text,
            "passage": text,
            "passage_id": f"{name}/eng_Latn/p{n}",
            "start": 0,
            "end": len(text),
        }
        for n, text in enumerate(passages)
    ]
    qrels = [{"qa_id": f"{name}/0", "candidate_id": f"{name}/eng_Latn/p{n}", "relevance": 1}
             for n in range(len(passages))]  # fmt: skip
    return EvalSet(
        name, f"{name}@0", "0", pl.DataFrame(queries, schema=QUERIES),
        pl.DataFrame(candidates, schema=CANDIDATES), pl.DataFrame(qrels, schema=QRELS),
    )  # fmt: skip


def leaks(corpus: pl.DataFrame, *sets: EvalSet, **settings: Any) -> pl.DataFrame:
    found = find_leaks(corpus, Reference(sets, LeakageSettings(**settings)))
    assert found.schema == LEAKS
    return found


def kinds(found: pl.DataFrame) -> set[tuple[str, str, str, bool]]:
    return set(found.select("qa_id", "field", "kind", "leaked").iter_rows())


def test_the_same_question_in_another_dress() -> None:
    found = leaks(
        rows(
            {"question": "WHO BUILT the Café—again"},
            {"question": "Who built it?"},
        ),
        evalset("Who built the café, again?"),
    )
    same = found.filter(kind="same")
    assert same["qa_id"].to_list() == ["q0"]
    assert same["overlap"].to_list() == [1.0]
    assert same["benchmark_text"].to_list() == ["Who built the café, again?"]
    assert same["evidence"].to_list() == ["who built the cafe again"]


def test_spaces_in_chinese_play_no_part() -> None:
    found = leaks(rows({"question": "谁赢得了第49届超级碗"}), evalset("谁赢得了第 49 届 超级碗？"))
    assert ("q0", "question", "same", True) in kinds(found)


def test_runs_of_words_and_the_share_of_the_shorter_text() -> None:
    words = PASSAGE.split()
    half, little = " ".join(words[:20]), " ".join(words[:9])
    found = leaks(
        rows(
            {"question": "a", "passage": f"{half} {OTHER}"},
            {"question": "b", "passage": f"{little} {OTHER}"},
            {"question": "c", "passage": " ".join(words[5:17])},
            {"question": "d", "passage": OTHER},
        ),
        evalset("x", passages=[PASSAGE]),
        similarity=1.0,
    )
    shares = {(row["qa_id"], row["kind"]): row["overlap"] for row in found.iter_rows(named=True)}
    runs = len(words) - 8 + 1
    assert shares == {
        ("q0", "8-gram"): pytest.approx((20 - 7) / runs),
        ("q0", "13-gram"): pytest.approx((20 - 12) / (len(words) - 12)),
        ("q1", "8-gram"): pytest.approx(2 / runs),
        ("q2", "8-gram"): pytest.approx(1.0),  # all of the shorter one
    }
    assert dict(found.filter(kind="8-gram").select("qa_id", "leaked").iter_rows()) == {
        "q0": (20 - 7) / runs >= 0.5, "q1": False, "q2": True,
    }  # fmt: skip
    assert found.filter(qa_id="q1")["evidence"].to_list() == [comparison_form(little)]


def test_the_limit_of_the_share_is_a_setting() -> None:
    part = " ".join(PASSAGE.split()[:14]) + " " + OTHER
    corpus = rows({"question": "a", "passage": part})
    for limit, leaked in ((0.9, False), (0.2, True)):
        found = leaks(corpus, evalset("x", passages=[PASSAGE]), containment=limit)
        assert found.filter(kind="8-gram")["leaked"].to_list() == [leaked]


def test_a_passage_with_a_word_in_eight_changed() -> None:
    """No eight words in a row are left, but three are, often."""
    words = PASSAGE.split()
    words[3::8] = ["changed"] * len(words[3::8])
    corpus = rows(
        {"question": "a", "passage": " ".join(words)}, {"question": "b", "passage": OTHER}
    )
    assert kinds(leaks(corpus, evalset("x", passages=[PASSAGE]), similarity=0.35)) == {
        ("q0", "passage", "near-duplicate", True)
    }


def test_a_question_quoted_in_a_passage() -> None:
    question = "in which summer was the old stone mill above the village struck by lightning"
    corpus = rows({"question": "a", "passage": f"{OTHER}. A quiz asked: {question}? Nobody knew."})
    assert ("q0", "passage", "8-gram", True) in kinds(leaks(corpus, evalset(question)))


def test_answers_stand_for_passages_that_are_not_there() -> None:
    corpus = rows(
        {"question": "a", "answer": PASSAGE},
        {"question": "b", "answer": PASSAGE, "passage": OTHER},
        {"question": "c", "answer": "Paris"},
    )
    found = leaks(corpus, evalset("x", passages=[PASSAGE, "Paris"]))
    assert {qa_id for qa_id, *_ in kinds(found)} == {"q0"}
    assert ("q0", "answer", "same", True) in kinds(found)


def test_ids_that_mean_something_and_ids_that_count() -> None:
    corpus = rows(
        {"qa_id": "56beb4343aeaaa14008c925b", "language": "deu_Latn", "question": "Ganz anders?"},
        {"qa_id": "12", "question": "Something else?"},
    )
    found = leaks(corpus, evalset("Who built it?", "When?", ids=["56beb4343aeaaa14008c925b", "12"]))
    assert kinds(found) == {
        ("56beb4343aeaaa14008c925b", "id", "id", True), ("12", "id", "id", False),
    }  # fmt: skip
    assert found["benchmark_text"].to_list() == ["Who built it?", "When?"]


def test_a_title_is_reported_and_keeps_its_rows() -> None:
    corpus = rows({"question": "a", "title": "Super Bowl 50"})
    found = leaks(corpus, evalset("x", passages=[PASSAGE], title="Super_Bowl_50"))
    assert kinds(found) == {("q0", "title", "title", False)}
    assert drop_leaks(corpus, found).height == 1


def test_every_benchmark_has_a_row_of_its_own() -> None:
    found = leaks(
        rows({"question": "Who built it then?"}),
        evalset("Who built it then?", name="one"),
        evalset("Who built it then?", name="two"),
    )
    assert found.filter(kind="same")["benchmark"].to_list() == ["one", "two"]


def test_what_a_leak_takes_with_it() -> None:
    group = {"passage_id": "shared", "passage": OTHER}
    corpus = rows(
        {"qa_id": "a", "question": "When did the old mill burn?", **group},
        {"qa_id": "a", "question": "Wann brannte die Mühle?", "language": "deu_Latn", **group},
        {"qa_id": "b", "question": "How do the ferries run?", **group},
        {"qa_id": "c", "question": "Why?", "passage_id": "mill", "passage": PASSAGE},
        {"qa_id": "d", "question": "How?", "passage_id": "mill", "passage": "Die alte Mühle.",
         "language": "deu_Latn"},
    )  # fmt: skip
    found = leaks(corpus, evalset("When did the old mill burn?", passages=[PASSAGE]))
    questions, passages = leaked_groups(found)
    assert (questions.to_list(), passages.to_list()) == (["a"], ["mill"])
    assert drop_leaks(corpus, found)["qa_id"].to_list() == ["b"]


def test_passages_that_are_relevant_to_nothing_are_no_evidence() -> None:
    """A collection to search in is not what a model is judged on."""
    bench = evalset("x", passages=[PASSAGE, OTHER])
    judged = bench.qrels.head(1)
    bench = EvalSet("bench", "b@0", "0", bench.queries, bench.candidates, judged)
    corpus = rows({"question": "a", "passage": PASSAGE}, {"question": "b", "passage": OTHER})
    assert drop_leaks(corpus, leaks(corpus, bench))["qa_id"].to_list() == ["q1"]


def test_one_pattern_with_other_answers_is_reported_alone() -> None:
    known = evalset("What is the capital of the island of Malta?", answers=["Valletta"])
    asked = "What is the capital of the island of Sumba?"
    corpus = rows(
        {"question": asked, "answer": "Waingapu"},
        {"question": asked, "answer": "It is valletta!"},
        {"question": asked},
        {"question": "What is the capital, of the island of Malta", "answer": "Mdina"},
    )
    found = leaks(corpus, known).filter(kind="near-duplicate")
    assert dict(found.select("qa_id", "leaked").iter_rows()) == {
        "q0": False, "q1": True, "q2": True, "q3": True,
    }  # fmt: skip
    assert drop_leaks(corpus, leaks(corpus, known))["qa_id"].to_list() == ["q0"]


def test_a_leak_stands_before_what_is_more_similar_and_none() -> None:
    known = evalset(
        "What is the capital of the island of Sumba, then?",
        "What is the capital of the island of Malta?",
        answers=["Valletta", "Waingapu"],
    )
    corpus = rows({"question": "What is the capital of the isle of Sumba?", "answer": "Waingapu"})
    found = leaks(corpus, known, similarity=0.3).filter(kind="near-duplicate")
    assert found.select("leaked", "benchmark_id").rows() == [(True, "bench/eng_Latn/1")]


def test_across_languages_with_an_encoder() -> None:
    meanings = {"Wer?": [1.0, 0.0], "Who?": [2.0, 0.1], "Warum?": [0.0, 3.0]}

    def encode(texts: Sequence[str]) -> np.ndarray[Any, Any]:
        return np.array([meanings[text] for text in texts])

    german = {"language": "deu_Latn"}
    corpus = rows({"question": "Wer?", **german}, {"question": "Warum?", **german})
    found = find_leaks(corpus, Reference([evalset("Who?")], encode=encode))
    assert kinds(found) == {("q0", "question", "cosine", True)}
    assert found["overlap"].to_list() == [pytest.approx(2 / np.hypot(2, 0.1), abs=1e-5)]
    assert found["benchmark_text"].to_list() == ["Who?"]


def test_a_set_in_the_language_of_the_row_needs_no_encoder() -> None:
    def encode(texts: Sequence[str]) -> np.ndarray[Any, Any]:
        return np.ones((len(texts), 2))

    sets = [evalset("Who built it?", name="own"), evalset("Qui?", name="f", language="fra_Latn")]
    found = find_leaks(rows({"question": "And why?"}), Reference(sets, encode=encode))
    assert found["benchmark"].to_list() == ["f"]


def test_empty_sides() -> None:
    assert leaks(rows(), evalset("x")).height == 0
    assert leaks(rows({"question": "x"}), evalset(passages=[PASSAGE])).height == 0
    assert leaks(rows({"question": "?!"}), evalset("…")).height == 0


def test_slices_and_threads_change_nothing() -> None:
    texts = [f"who built the mill number {n} above the village" for n in range(40)]
    corpus = rows(*({"question": text} for text in texts))
    reference = Reference([evalset(*texts[::3])])
    whole = find_leaks(corpus, reference)
    parts = find_leaks(corpus.iter_slices(7), reference, threads=3)
    assert whole.equals(parts)
    assert whole.height > 14


def disguised(question: str, words: Sequence[str], rng: random.Random) -> str:
    """The question with a word replaced, without its accents and with other signs and cases."""
    parts = question.split()
    place = rng.randrange(len(parts))
    while comparison_form(new := rng.choice(words)) == comparison_form(parts[place]):
        pass
    parts[place] = new
    text = unicodedata.normalize("NFD", " ".join(parts))
    plain = "".join(char for char in text if not unicodedata.combining(char))
    return rng.choice([plain.upper(), plain.title(), plain.lower()]).strip("?¿") + rng.choice(
        "?!. "
    )


@pytest.fixture(scope="module")
def xquad(realdata: Path) -> Reference:
    settings = EvalSettings(name="xquad-r", path=str(realdata / "xquad-r" / "en.json"))
    return Reference([open_evalset(settings)])


@pytest.mark.realdata
def test_xquad_is_found_in_squad(realdata: Path, xquad: Reference) -> None:
    source = open_source(SourceSettings(source=str(realdata / "squad-questions")))
    corpus = pl.concat(source.frames(100_000))
    clean = drop_leaks(corpus, find_leaks(corpus, xquad))
    forms = {comparison_form(text) for text in xquad.questions.frame["text"]}
    assert len(forms) == 1185
    assert not forms & {comparison_form(text) for text in clean["question"]}
    assert corpus.height - clean.height < 1.1 * 1185


@pytest.mark.realdata
def test_a_replaced_word_hides_no_leak(xquad: Reference) -> None:
    rng = random.Random(4)
    texts = xquad.questions.frame["text"].to_list()
    words = " ".join(texts).split()
    corpus = rows(*({"question": disguised(text, words, rng)} for text in texts))
    found = find_leaks(corpus, xquad)
    assert found.filter("leaked")["qa_id"].n_unique() >= 0.95 * len(texts)
