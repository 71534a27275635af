"""What a run of a recipe came to, for a person: a row a stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from qa_parallel.evaluation.measures import MAP
from qa_parallel.pipeline.steps import Step
from qa_parallel.storage import store
from qa_parallel.text import counted


def describe(steps: Sequence[Step]) -> Iterator[RenderableType]:
    """A table: stage, whether it was made, what came of it, seconds, folder."""
    table = Table(box=None, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    table.add_column("")
    table.add_column("outcome")
    table.add_column("seconds", justify="right")
    table.add_column("folder", overflow="fold")
    for step in steps:
        table.add_row(
            step.stage.name,
            "done" if step.made else "skipped",
            _outcome(step.outcome.folder, step.outcome.manifest),
            f"{step.seconds:,.1f}" if step.made else "",
            str(step.stage.folder),
        )
    yield table


def _outcome(folder: Path, manifest: Mapping[str, Any]) -> str:
    """What matters of a stage, in a few words."""
    match manifest["kind"]:
        case "plan":
            steps = manifest["steps"]
            return f"{steps['train']:,} steps, {steps['validation']:,} to validate"
        case "evaluation":
            return _evaluation(store.read_json(folder / "results.json"))
        case "experiment":
            return f"{counted(len(manifest['runs']), 'encoder')} trained and compared"
    leaks = ""
    if "found" in manifest:
        leaks = f"{counted(manifest['found']['leaked']['questions'], 'question')} leaked"
    rows = sum(item["rows"] for item in manifest["languages"].values())
    corpus = f"{rows:,} rows in {len(manifest['languages'])} languages" if rows else ""
    return "; ".join(filter(None, (leaks, corpus)))


def _evaluation(report: Mapping[str, Any]) -> str:
    found = {
        one["setting"]: f"{MAP.format(one['value'])} {one['setting']}"
        for one in report["results"]
        if one["measure"] == MAP.name and one["query_language"] is None
    }
    first = report["sets"][0]["name"]
    return f"{first}: {MAP.label} {', '.join(found.values())}" if found else first
