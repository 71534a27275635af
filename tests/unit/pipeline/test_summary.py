"""What is printed of a run of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qa_parallel.pipeline import summary
from qa_parallel.storage import store
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


class Step:
    """A stage that is done, or was skipped."""

    def __init__(self, name: str, manifest: dict[str, Any], folder: Path, seconds: float) -> None:
        self.stage = type("Stage", (), {"name": name, "folder": f"out/{name}"})
        self.outcome = type("Outcome", (), {"folder": folder, "manifest": manifest})
        self.made, self.seconds = seconds > 0, seconds


def test_what_is_printed(tmp_path: Path) -> None:
    store.write_json(tmp_path / "results.json", invented.evaluation())
    translated = invented.translated()
    checked = {**translated, "stage": "check-leakage", "found": {"leaked": {"questions": 37}}}
    plan = {"kind": "plan", "stage": "build-batches", "steps": {"train": 41, "validation": 5}}
    evaluated = {"kind": "evaluation", "stage": "evaluate"}
    compared = {"kind": "experiment", "stage": "train-eval", "runs": {"a": "1", "b": "2"}}
    steps: Any = [
        Step("translate", {**translated, "stage": "translate"}, tmp_path, 3_725.04),
        Step("check-leakage", checked, tmp_path, 0),
        Step("build-batches", plan, tmp_path, 1.55),
        Step("evaluate", evaluated, tmp_path, 2.67),
        Step("train-eval", compared, tmp_path, 98.7),
    ]
    golden(GOLDEN / "summary.txt", printed(summary.describe(steps)))
