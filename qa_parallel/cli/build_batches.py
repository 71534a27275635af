"""`qa-parallel build-batches`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.batches.strategies import STRATEGIES
from qa_parallel.cli import show
from qa_parallel.cli.options import FOLDER, OVERWRITE, pick


@click.command("build-batches")
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option(
    "--strategy",
    type=click.Choice(list(STRATEGIES)),
    help="; ".join(f"{name}: {one.meaning}" for name, one in STRATEGIES.items())
    + ".  [default: hybrid]",
)
@click.option("--alpha", type=float, help="Monolingual share of a hybrid plan.  [default: 0.5]")
@click.option("--batch-size", type=int, help="Rows of a batch.  [default: 100]")
@click.option("--steps", type=int, help="Batches of the plan.")
@click.option(
    "--epochs",
    type=float,
    help="Instead of --steps: how often to draw as many rows as there are questions, in all "
    "languages together.  [default: 1]",
)
@click.option(
    "--language-weights",
    help="Shares of the languages or pairs: uniform, size, or size:EXPONENT.  [default: uniform]",
)
@click.option("--source-weights", help="Likewise of several corpora.  [default: size]")
@click.option("--languages", help="Only these, e.g. de,sw,zh-TW.")
@click.option("--pairs", help="Only these of questions and passages, e.g. en:de,de:en.")
@click.option("--seed", type=int, help="Another seed gives another plan.  [default: 0]")
@click.option(
    "--validation",
    type=float,
    help="Share of the passages that is reserved; the same for every strategy and seed.  "
    "[default: 0.05]",
)
@click.option(
    "--positive",
    type=click.Choice(["sentence", "passage", "answer"]),
    help="What a question is to find.  [default: sentence]",
)
@click.option(
    "--negatives",
    type=click.Choice(["none", "bm25", "sentences"]),
    help="Hard negatives: like the question, or of the same passage.  [default: none]",
)
@click.option("--negatives-per-row", type=int, help="How many of them.  [default: 1]")
@click.option(
    "--export",
    type=click.Choice(["none", "sentence-transformers"]),
    help="Write the texts too, as this trainer reads them.  [default: none]",
)
@click.option("--out", type=FOLDER, required=True, help="Folder of the plan.")
@OVERWRITE
def build_batches(corpora: tuple[str, ...], out: Path, overwrite: bool, **options: Any) -> None:
    """Plan which rows of each CORPUS meet in which training step.

    A CORPUS is a folder that qa-parallel made, or a file or folder of QA data.

    Example: qa-parallel build-batches clean --out plan --strategy hybrid --epochs 3
    """
    from qa_parallel.batches import stage
    from qa_parallel.batches.settings import BatchSettings
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import SourceSettings

    settings = parse(BatchSettings, pick(options, BatchSettings), "options")
    sources = [parse(SourceSettings, {"source": one}, "options") for one in corpora]
    with show.console(stderr=True).status("planning"):
        outcome = stage.build_batches(sources, settings, out, overwrite=overwrite)
    show.summary(stage.STAGE, outcome)
