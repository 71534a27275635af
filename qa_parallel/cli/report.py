"""`qa-parallel report`."""

from __future__ import annotations

from pathlib import Path

import click

from qa_parallel.cli.options import FOLDER


@click.command()
@click.argument("out", type=FOLDER)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="Questions on the page, chosen by lot, in all their languages.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the lot."
)
def report(out: Path, rows: int, seed: int) -> None:
    """Write OUT/report.html: one page to look at, which needs no network.

    OUT is the folder of `qa-parallel run`, or of one of the other commands: the page shows what is
    there. Rows side by side, what was rejected and why, what leaks, plans, evaluations.

    Example: qa-parallel report out/quickstart
    """
    from qa_parallel.page import stage

    page = stage.write_report(out, rows=rows, seed=seed)
    click.echo(f"The page is {page}: open it in a browser.")
