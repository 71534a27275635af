"""What trainings came to, and what a comparison of them found, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel.evaluation import summary as evaluation_summary
from qa_parallel.evaluation.measures import HEADLINES
from qa_parallel.storage import store
from qa_parallel.text import counted


def training_words(manifest: Mapping[str, Any]) -> str:
    """Which encoder was trained by which plan."""
    plan = manifest.get("plan")
    name = plan.get("name") if isinstance(plan, Mapping) else "a plan"
    return f"{store.portable(manifest.get('encoder'))} trained by {name}."


def experiment_words(manifest: Mapping[str, Any]) -> str:
    """How many trainings were compared."""
    runs = counted(len(manifest.get("runs", {})), "training")
    return f"{runs} from one start, evaluated and compared."


def training_brief(report: Mapping[str, Any]) -> str:
    """Steps of one training, and what validation said."""
    values = report["validation"]
    judged = f", validation {values['start']:.3f} → {values['best']:.3f}"
    return f"{counted(report['steps'], 'step')}{'' if values['best'] is None else judged}"


def experiment_brief(manifest: Mapping[str, Any]) -> str:
    """How many encoders there are."""
    return f"{counted(len(manifest['runs']), 'encoder')} trained and compared"


def describe(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """How each training went; for each set a table of the systems, and their differences."""
    yield trainings(report["runs"])
    whole = [row for row in report["means"] if row["query_language"] is None]
    for dataset in dict.fromkeys(row["dataset"] for row in whole):
        yield Text(f"\n{dataset}: mean ± standard deviation over seeds", style="bold")
        yield _means([row for row in whole if row["dataset"] == dataset])
    chosen = [row for row in report["differences"] if any(one.of(row) for one in HEADLINES)]
    yield from evaluation_summary.differences(chosen)


def trainings(runs: list[dict[str, Any]]) -> Table:
    """A row a training: steps, speed, loss, validation."""
    table = Table(box=None, pad_edge=False)
    table.add_column("training", no_wrap=True)
    for name in ("steps", "rows", "rows/s", "negatives", "loss", "validation", "best at"):
        table.add_column(name, justify="right")
    for run in runs:
        values = run["validation"]
        judged = values["best"] is not None
        table.add_row(
            run["name"],
            f"{run['steps']:,}",
            f"{run['rows']:,}",
            f"{run['rows'] / run['seconds']:,.1f}",
            f"{run['negatives']:,.1f}",
            f"{run['loss']:.4f}",
            f"{values['start']:.4f} → {values['best']:.4f}" if judged else "none",
            f"{run['best']:,}",
        )
    return table


def _means(rows: list[dict[str, Any]]) -> Table:
    """A row a system, with as many of the headlines as the set has."""
    values = {(row["system"], row["setting"], row["measure"]): row for row in rows}
    there = [one for one in HEADLINES if any(map(one.of, rows))]
    table = Table(box=None, pad_edge=False)
    table.add_column("system", no_wrap=True)
    for one in there:
        table.add_column(one.heading, justify="right")
    table.add_column("seeds", justify="right")
    for system in dict.fromkeys(row["system"] for row in rows):
        mine = [values[system, one.setting, one.measure.name] for one in there]
        cells = (
            one.measure.spread(row["value"], row["sd"])
            for one, row in zip(there, mine, strict=True)
        )
        table.add_row(system, *cells, str(mine[0]["seeds"]))
    return table
