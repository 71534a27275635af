"""Results of evaluations as the page draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qa_parallel.evaluation.pictures import language_maps
from qa_parallel.page import retrieval
from tests import invented
from tests.golden import golden, listed

GOLDEN = Path(__file__).parent / "golden"


def test_differences_stand_on_one_scale_around_zero() -> None:
    row = {"dataset": "d", "setting": "monolingual", "measure": "map", "baseline": "a",
           "p": 0.5, "first": 0, "second": 0}  # fmt: skip
    report = {
        "means": [{"dataset": "d", "system": "a", "setting": "monolingual", "measure": "map",
                   "value": 0.5, "sd": None, "query_language": None,
                   "candidate_language": None}],
        "differences": [
            {**row, "system": "b", "difference": 0.0, "low": -0.1, "high": 0.1},
            {**row, "system": "c", "difference": 0.2, "low": 0.0, "high": 0.4},
        ],
    }  # fmt: skip
    (one,) = retrieval.comparisons(report)
    (scale,) = one.differences
    assert scale.zero == 50
    first, second = scale.dots
    assert (first.at, second.low) == (50, 50)
    assert 50 < second.at < second.high < 100
    assert second.text == "+0.2000 (+0.0000 … +0.4000), p 0.500"


def test_a_shade_means_the_same_number_for_every_system() -> None:
    def rows(best: float) -> list[dict[str, Any]]:
        return [
            {"measure": "map", "setting": "monolingual" if one == other else "cross-lingual",
             "query_language": one, "candidate_language": other,
             "value": best if one == other else 0.0}
            for one in ("eng_Latn", "deu_Latn")
            for other in ("eng_Latn", "deu_Latn")
        ]  # fmt: skip

    (picture,) = language_maps("set", {"start": rows(0.4), "hybrid": rows(0.8)}).values()
    assert picture.title == "set: mAP"
    assert [box.kind for box in picture.boxes[:8]] == [*("h5", "h0", "h0", "h5"),
                                                       *("h10", "h0", "h0", "h10")]  # fmt: skip


def test_the_figures_of_an_evaluation() -> None:
    golden(GOLDEN / "evaluation.txt", listed(retrieval.evaluations(invented.evaluation())))


def test_the_figures_of_a_comparison() -> None:
    golden(GOLDEN / "comparison.txt", listed(retrieval.comparisons(invented.experiment())))


def test_the_figures_of_a_plan() -> None:
    golden(GOLDEN / "plan.txt", listed(retrieval.plan("batches", invented.plan())))
