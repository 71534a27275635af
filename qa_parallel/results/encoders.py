"""Results about encoders: plans to train them by, what they find, trainings compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from qa_parallel import display
from qa_parallel.results.base import Result, Shown
from qa_parallel.storage import store

if TYPE_CHECKING:
    from rich.console import RenderableType

    from qa_parallel.batches.plan import Batch
    from qa_parallel.batches.plan import Plan as OpenPlan
    from qa_parallel.batches.settings import BatchSettings


class Plan(Result):
    """Which rows meet in which training step: `plan[0].questions`, `len(plan)`."""

    @cached_property
    def train(self) -> OpenPlan:
        """The steps of training."""
        from qa_parallel.batches.plan import open_plan

        return open_plan(self.folder)

    @cached_property
    def validation(self) -> OpenPlan:
        """The batches that are kept for validation."""
        from qa_parallel.batches.plan import open_plan

        return open_plan(self.folder, "validation")

    @property
    def settings(self) -> BatchSettings:
        """What the plan was made with."""
        return self.train.settings

    def __len__(self) -> int:
        return int(self.manifest["steps"]["train"])

    def __getitem__(self, step: int) -> Batch:
        return self.train[step]

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.train)

    def _words(self) -> str:
        return f"{len(self):,} training steps"

    def _counts(self) -> dict[str, Any]:
        return {"steps": self.manifest["steps"], "rows": self._report["rows"]}

    def _figures(self) -> Any:
        return {side: self._report[side] for side in ("train", "validation")}

    @cached_property
    def _report(self) -> Mapping[str, Any]:
        return store.read_json(self.folder / "report.json")


class Results(Result):
    """How well an encoder retrieves."""

    @cached_property
    def table(self) -> pl.DataFrame:
        """A row for each measure, setting and pair of languages; `qa_parallel.schema.RESULTS`."""
        from qa_parallel.evaluation.stage import RESULTS_FILE

        return store.read_parquet(self.folder / RESULTS_FILE)

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """Sets, counts, settings, signatures and results."""
        from qa_parallel.evaluation.stage import REPORT

        return store.read_json(self.folder / REPORT)

    def compare(self, *others: Results | Path | str, samples: int = 1000) -> Comparison:
        """How sure it is that `others` differ from this one: paired bootstrap over questions."""
        return Comparison([self.folder, *(Path(one) for one in others)], samples)

    def _words(self) -> str:
        means = {
            one["setting"]: f"{one['value']:.3f} {one['setting']}"
            for one in self.report["results"]
            if one["measure"] == "map" and one["query_language"] is None
        }
        return f"mAP {', '.join(means.values())}" if means else "no results"

    def _counts(self) -> dict[str, Any]:
        names = ("queries", "candidates", "languages")
        return {one["name"]: {name: one[name] for name in names} for one in self.report["sets"]}

    def _figures(self) -> Any:
        return [one for one in self.report["results"] if one["query_language"] is None]


class Comparison(Shown):
    """How sure it is that encoders differ from the first one: paired bootstrap over questions.

    Parameters
    ----------
    folders:
        Of `evaluate`, the baseline first. Results of one strategy whose seeds differ are averaged.
    samples:
        Of the bootstrap.
    """

    def __init__(self, folders: Sequence[Path], samples: int) -> None:
        from qa_parallel.evaluation.stage import compare_results

        warn = display.Silent().warn
        self.rows = list(compare_results(folders, samples, warn=warn))

    @property
    def table(self) -> pl.DataFrame:
        """A row for each set, system, setting and measure: dataset, baseline, system, and the
        fields of `qa_parallel.evaluation.significance.Difference`."""
        return pl.DataFrame(self.rows, infer_schema_length=None)

    def tables(self) -> Iterator[RenderableType]:
        from qa_parallel.evaluation import summary

        yield from summary.differences(self.rows)

    def record(self) -> dict[str, Any]:
        return {"stage": "evaluate", "folder": None, "counts": {}, "figures": self.rows}

    def __repr__(self) -> str:
        return f"<Comparison of {len({row['system'] for row in self.rows}) + 1} encoders>"


class Trained(Result):
    """Encoders trained by plans from one start, evaluated and compared."""

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """Trainings, means over seeds, and differences with their intervals."""
        from qa_parallel.training.experiment import REPORT

        return store.read_json(self.folder / REPORT)

    @property
    def table(self) -> pl.DataFrame:
        """Mean and standard deviation of every measure over the seeds of each system."""
        return pl.DataFrame(self.report["means"], infer_schema_length=None)

    @property
    def differences(self) -> pl.DataFrame:
        """Every system against each one before it, with interval and p."""
        return pl.DataFrame(self.report["differences"], infer_schema_length=None)

    @property
    def encoders(self) -> dict[str, Path]:
        """Folders that sentence-transformers loads, by the name of the training: "hybrid-0"."""
        return {
            run["name"]: self.folder / "runs" / run["name"] / "encoder"
            for run in self.report["runs"]
        }

    def _words(self) -> str:
        return f"{len(self.encoders)} trained: {', '.join(self.encoders)}"

    def _counts(self) -> dict[str, Any]:
        names = ("steps", "rows")
        return {one["name"]: {name: one[name] for name in names} for one in self.report["runs"]}

    def _figures(self) -> Any:
        means = [one for one in self.report["means"] if one["query_language"] is None]
        return {"means": means, "differences": self.report["differences"]}
