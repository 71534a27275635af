"""What is printed of a run of a recipe."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from qa_parallel import stages
from qa_parallel.pipeline import summary
from qa_parallel.storage import store
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def result(manifest: dict[str, Any], folder: Path, seconds: float) -> Any:
    """A stage that is done, or, in no time, was skipped."""
    stage = stages.of(manifest)
    step = SimpleNamespace(name=stage.name, stage=stage, folder=f"out/{stage.name}")
    outcome = SimpleNamespace(folder=folder, manifest=manifest)
    return SimpleNamespace(step=step, outcome=outcome, made=seconds > 0, seconds=seconds)


def test_what_is_printed(tmp_path: Path) -> None:
    store.write_json(tmp_path / "results.json", invented.evaluation())
    translated = invented.translated()
    leaked = {"leaked": {"questions": 37}, "coverage": {"questions": 47}}
    results = [
        result(translated, tmp_path, 3_725.04),
        result({**translated, "stage": "check-leakage", "found": leaked}, tmp_path, 0),
        result({"stage": "build-batches", "steps": {"train": 41, "validation": 5}}, tmp_path, 1.55),
        result({"stage": "evaluate"}, tmp_path, 2.67),
        result({"stage": "train-eval", "runs": {"a": "1", "b": "2"}}, tmp_path, 98.7),
    ]
    golden(GOLDEN / "summary.txt", printed(summary.describe(results)))
