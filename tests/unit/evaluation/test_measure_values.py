"""A measure is one value: what is added to `MEASURES` is seen wherever measures are."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from qa_parallel.evaluation import measures, summary
from qa_parallel.evaluation.measures import (
    HEADLINES,
    MAP,
    MEASURES,
    MULTILINGUAL,
    RANK_DISTANCE,
    SHARE,
    Measure,
    Relevant,
    named,
)
from qa_parallel.evaluation.ranking import Task, evaluate, summarise
from qa_parallel.evaluation.significance import compare
from qa_parallel.page import retrieval
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES
from qa_parallel.sources.evalsets import EvalSet
from qa_parallel.training import summary as training_summary
from qa_parallel.training.card import training_card

CODES = ("deu_Latn", "eng_Latn")


def task() -> Task:
    """Two questions in two languages; each is answered once in each of them."""
    pairs = [(code, key) for code in CODES for key in "ab"]
    queries = [
        {"query_id": f"{code}/{key}", "language": code, "qa_id": key, "question": f"{key}?"}
        for code, key in pairs
    ]
    candidates = [
        {"candidate_id": f"{code}/{key}", "language": code, "text": key} for code, key in pairs
    ]
    qrels = [(key, f"{code}/{key}", 1) for code, key in pairs]
    return Task(
        EvalSet(
            "set",
            "set@0",
            "0",
            pl.DataFrame([dict.fromkeys(QUERIES) | row for row in queries], schema=QUERIES),
            pl.DataFrame(
                [dict.fromkeys(CANDIDATES) | row for row in candidates], schema=CANDIDATES
            ),
            pl.DataFrame(qrels, schema=QRELS, orient="row"),
        )
    )


def report() -> dict[str, Any]:
    """As in results.json. German a finds German a, b, English b, a; all others find all."""
    scores = np.array([[1, 0, 1, 0], [0, 1, 0, 1]] * 2, dtype=np.float32)
    scores[0] = [0.9, 0.8, 0.1, 0.2]
    found = evaluate(task(), scores, np.eye(4, dtype=np.float32))
    one = {
        "name": "set", "source": "set@0", "queries": 4, "candidates": 4, "languages": [*CODES],
        "untrained": [], "counts": found.counts, "signature": "how",
    }  # fmt: skip
    return {
        "sets": [one], "results": summarise(found, encoder="e").to_dicts(),
        "encoder": {"encoder": "e@1"},
    }  # fmt: skip


def printed(parts: Any) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()


TRAINING = {
    "encoder": "e@1",
    "build-batches": {"strategy": "hybrid"},
    "unknown": {"deu_Latn": 0.0},
    "plan": {"name": "p", "digest": "d"},
    "corpora": [],
    "steps": 20,
    "best": 10,
    "rows": 40,
    "negatives": 3.0,
    "losses": [1.0],
    "validation": {"start": 0.25, "best": 0.5},
    "train": {"measure": "mrr"},
}


def second(found: Relevant) -> measures.Values:
    """1 where a relevant candidate stands at rank 2."""
    return np.minimum(1, found.sums((found.ranks == 2).astype(np.float64)))


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """A measure that nobody but this test knows."""
    one = Measure(
        name="second", label="Second", digits=2, better="lower", compute=second,
        settings=(MULTILINGUAL,),
    )  # fmt: skip
    monkeypatch.setattr(measures, "MEASURES", (*MEASURES, one))
    return one


def test_a_measure_that_is_added_is_in_the_results(added: Measure) -> None:
    """Three of four questions have their second answer at rank 2, the first one has it at 4."""
    rows = pl.DataFrame(report()["results"]).filter(measure="second")
    assert rows["setting"].unique().to_list() == [MULTILINGUAL]  # and in no other one
    (whole,) = rows.filter(pl.col("query_language").is_null()).to_dicts()
    assert (whole["value"], whole["queries"]) == (0.75, 4)


def test_a_measure_that_is_added_is_in_the_terminal(added: Measure) -> None:
    table = printed(summary.describe(report())).partition("\nmultilingual")[2]
    heading, mean, *_ = table.strip().splitlines()
    assert heading.split("rank distance ↓")[1].split()[:2] == ["Second", "↓"]
    assert "0.75" in mean.split()


def test_a_measure_that_is_added_is_on_the_page(added: Measure) -> None:
    (shown,) = retrieval.evaluations(report())
    assert shown.measures[-1] == "Second ↓"
    assert shown.settings[MULTILINGUAL][-1] == "0.75"
    assert shown.settings["monolingual"][-1] == ""


def test_a_measure_that_is_added_is_in_the_model_card(added: Measure) -> None:
    table = training_card(TRAINING, report()).partition("## Results")[2]
    assert "| rank distance ↓ | Second ↓ |" in table
    (row,) = [line for line in table.splitlines() if line.startswith("| multilingual")]
    assert row.endswith("| 0.75 |")


def test_a_measure_that_is_added_is_compared(added: Measure) -> None:
    found = evaluate(task(), np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32)).values
    (one,) = [row for row in compare([found], [found], 100, 0) if row.measure == "second"]
    assert (one.setting, one.difference) == (MULTILINGUAL, 0)


def test_one_value_has_one_form_everywhere() -> None:
    """Rank distance 1,213.4: never `1,213.4000`, which the model card once said."""
    results = report()
    for row in results["results"]:
        if row["measure"] == RANK_DISTANCE.name:
            row["value"] = 1213.4
    assert " 1,213.4 " in printed(summary.describe(results))
    assert retrieval.evaluations(results)[0].settings[MULTILINGUAL][-1] == "1,213.4"
    card = training_card(TRAINING, results)
    assert "| 1,213.4 |" in card
    assert "| validation, multilingual MRR | 0.2500 before, 0.5000 at its best |" in card


def test_a_comparison_has_the_same_form_in_the_terminal_and_on_the_page() -> None:
    whole = {"dataset": "d", "query_language": None, "candidate_language": None, "seeds": 2}
    rows = [
        {**whole, "system": "a", "setting": one.setting, "measure": one.measure.name,
         "value": value, "sd": sd}
        for one, value, sd in zip(
            HEADLINES, (0.1, 0.2, 0.3, 1213.4), (0.01, 0.02, None, 2.5), strict=True
        )
    ]  # fmt: skip
    expected = ["0.1000 ± 0.0100", "0.2000 ± 0.0200", "0.3000", "1,213.4 ± 2.5"]
    (shown,) = retrieval.comparisons({"means": rows, "differences": []})
    assert [scale.dots[0].text for scale in shown.values] == expected
    titles = [scale.title for scale in shown.values]
    assert titles == ["monolingual mAP", "cross-lingual mAP", "multilingual mAP", "rank distance ↓"]
    table = printed(training_summary.describe({"runs": [], "means": rows, "differences": []}))
    assert all(text in table for text in [*expected, *titles])


def test_what_another_version_measured_is_called_by_its_name() -> None:
    assert named("map") is MAP
    assert named(SHARE.name) is SHARE
    assert (named("err@5").heading, named("err@5").format(0.25)) == ("err@5", "0.2500")


def test_names_are_told_apart() -> None:
    names = [one.name for one in (*MEASURES, SHARE)]
    assert len({*names}) == len(names)
