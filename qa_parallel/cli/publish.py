"""`qa-parallel publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.fields import FILE, FOLDER, fields, option
from qa_parallel.cli.output import SAYING, Command, Said
from qa_parallel.publishing.settings import PublishSettings


@click.command(cls=Command)
@click.argument("corpus", type=FOLDER)
@fields(
    "Hub",
    PublishSettings,
    repo="Dataset repository on the Hub, as org/name.",
    license="Licence to publish under, by the Hub's identifier, e.g. cc-by-sa-4.0.  [default: what "
    "the licences of source and model require]",
    private="Make the repository private if it is created.",
    tag="Tag to give to what is published, e.g. v1.0.",
    pr="Open a pull request instead of changing main.",
)
@fields(
    "Contents",
    PublishSettings,
    plan="Plan of CORPUS to publish with it: a folder that build-batches made.",
    leakage="Check of CORPUS that only reported, for the card: a folder that check-leakage made; "
    "repeatable.",
    evaluation="Evaluation for the card: a folder that evaluate made.",
)
@option(
    "Output",
    "--card",
    type=FILE,
    metavar="FILE",
    help="Also write the card to this file.",
)
@option("Output", "--dry-run", is_flag=True, help="Print what would be done; send nothing.")
@SAYING
def command(corpus: Path, card: Path | None, dry_run: bool, said: Said, **settings: Any) -> None:
    """CORPUS is a folder that qa-parallel made; the card is written from its manifests. If you run
    it again, only what changed is uploaded.

    Example: qa-parallel publish checked --repo org/name --dry-run
    """
    from qa_parallel import api

    said.show(api.publish(corpus, card=card, dry_run=dry_run, progress=said.progress, **settings))
