"""`qa-parallel report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.fields import FOLDER, fields
from qa_parallel.cli.output import SAYING, Command, Said
from qa_parallel.page.settings import PageSettings


@click.command(cls=Command)
@click.argument("out", type=FOLDER)
@fields(
    "Page",
    PageSettings,
    rows="Number of questions on the page, drawn at random and shown in all their languages.",
    seed="Seed of the random sample.",
)
@SAYING
def command(out: Path, said: Said, **settings: Any) -> None:
    """OUT is the folder of `qa-parallel run` or of another command. The page, OUT/report.html,
    shows what is there: rows side by side, what was rejected and why, what leaks, plans and
    evaluations.

    Example: qa-parallel report out/quickstart
    """
    from qa_parallel import api

    page = api.report(out, **settings)
    record = {"stage": "report", "folder": str(out), "page": str(page)}
    said.record(record, f"Open {page} in a browser.")
