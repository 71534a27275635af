"""`qa-parallel publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FILE, FOLDER, pick


@click.command()
@click.argument("corpus", type=FOLDER)
@click.option("--repo", required=True, help="Where to: org/name of a data set on the Hub.")
@click.option(
    "--license",
    help="The Hub's identifier, e.g. cc-by-sa-4.0.  [default: what follows from the licences of "
    "source and model]",
)
@click.option("--private", is_flag=True, help="A repository that is made is private.")
@click.option("--tag", help="Name of what is published, e.g. v1.0.")
@click.option("--pr", is_flag=True, help="Open a pull request instead of changing main.")
@click.option("--plan", type=FOLDER, help="Folder of build-batches on CORPUS, to go along.")
@click.option(
    "--leakage",
    type=FOLDER,
    multiple=True,
    help="Folder of check-leakage that only reported on CORPUS, for the card; repeatable.",
)
@click.option("--evaluation", type=FOLDER, help="Folder of evaluate, for the card.")
@click.option("--card", type=FILE, help="Write the card here as well.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; nothing is sent.")
def publish(corpus: Path, card: Path | None, dry_run: bool, **options: Any) -> None:
    """Publish CORPUS on the Hugging Face Hub, with a card made from its manifests.

    CORPUS is a folder that qa-parallel made. Run again, only what changed is uploaded.

    Example: qa-parallel publish checked --repo org/name --dry-run
    """
    from qa_parallel.publishing import stage
    from qa_parallel.publishing.settings import PublishSettings
    from qa_parallel.settings import parse
    from qa_parallel.storage import store

    settings = parse(PublishSettings, pick(options, PublishSettings), "options")
    with show.console(stderr=True).status("reading") as status:
        ready = stage.prepare(corpus, settings, status.update)
    for warning in ready.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if card is not None:
        store.write_bytes(card, ready.card.encode())
    if dry_run:
        for file in ready.files:
            click.echo(f"{file.sha256}  {file.size:>13,}  {file.name}")
        for line in ready.operations:
            click.echo(line)
        click.echo("The card is valid. Nothing was sent.")
        return
    done = stage.publish(ready, lambda line: click.echo(line, err=True))
    click.echo(f"{'Published' if done.changed else 'Nothing to upload'}: {done.url}")
    click.echo(f"commit {done.commit}{f', tag {settings.tag}' if settings.tag else ''}")
