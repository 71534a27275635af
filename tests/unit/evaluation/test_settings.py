"""Every setting of an evaluation changes what it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_parallel.evaluation import stage
from qa_parallel.evaluation.ranking import evaluate
from qa_parallel.evaluation.settings import EvaluateSettings
from qa_parallel.sources.settings import EvalSettings
from tests.settings_felt import Felt, Outcome, To
from tests.small_corpora import titled_evaluation

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def evaluation(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("evaluated")
    sets = [EvalSettings(name="small", path=str(titled_evaluation(scratch / "small")))]
    texts, vectors = scratch / "texts.jsonl", scratch / "vectors.npz"
    stage.write_texts(sets, EvaluateSettings(), texts)
    ids = [json.loads(line)["id"] for line in texts.read_text().splitlines()]
    values = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    np.savez(vectors, ids=np.array(ids), vectors=values)

    def run(settings: EvaluateSettings) -> Outcome:
        seen: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch:

            def watched(task: Any, queries: Any, candidates: Any, tell: Any) -> Any:
                seen.update(queries=queries.tobytes(), candidates=candidates.tobytes())
                seen["lengths"] = {
                    round(float(length), 3)
                    for side in (queries, candidates)
                    for length in np.linalg.norm(side, axis=1)
                }
                return evaluate(task, queries, candidates, tell)

            patch.setattr("qa_parallel.evaluation.stage.evaluate", watched)
            results = stage.evaluate_sets(sets, settings).report["results"]
        assert seen["lengths"] == {1.0}
        assert settings.cache is not None
        return {
            **seen,
            "values": [row["value"] for row in results],
            "trained": {(row["strategy"], row["seed"]) for row in results},
            "cache": settings.cache.name if any(settings.cache.rglob("*.sqlite")) else None,
        }

    sides = ("queries", "candidates")
    return Felt(
        EvaluateSettings,
        run,
        {"encoder": str(tiny_bert), "device": "cpu", "cache": scratch / "cache"},
        {
            "encoder": To("demo", parts=sides),
            "embeddings": To(
                doubled(vectors), {"encoder": None, "embeddings": vectors}, parts=sides
            ),
            "pooling": To("cls", parts=(*sides, "values")),
            "query_prefix": To("What is it? ", parts=("queries", "values"), same=("candidates",)),
            "passage_prefix": To("It is so: ", parts=("candidates", "values"), same=("queries",)),
            "max_length": To(6, parts=(*sides, "values")),
            "precision": To("bfloat16", parts=sides),
            "candidates": To("sentence+passage", parts=("candidates",), same=("queries",)),
            "titles": To(True, parts=("candidates",), same=("queries",)),
            "debias": To(True, parts=(*sides, "values")),
            "cache": To(scratch / "other", parts=("cache",), same=(*sides, "values")),
            "strategy": To("hybrid", parts=("trained",), same=("values",)),
            "seed": To(7, parts=("trained",), same=("values",)),
        },
        {"device": To("auto")},
    )


def doubled(path: Path) -> Path:
    """The same file with other vectors."""
    other = path.with_name("other.npz")
    with np.load(path) as file:
        np.savez(other, ids=file["ids"], vectors=np.flip(file["vectors"], axis=0))
    return other


@pytest.mark.parametrize("field", EvaluateSettings.model_fields)
def test_every_setting_is_felt(evaluation: Felt, field: str) -> None:
    evaluation.judge(field)
