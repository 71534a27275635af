"""`qa-parallel cache`."""

from __future__ import annotations

from pathlib import Path

import click

from qa_parallel.cli.fields import FOLDER, option
from qa_parallel.cli.output import AS_JSON, Command, Said
from qa_parallel.storage.caches import KINDS
from qa_parallel.text import size

_FOLDER = option(
    "Cache",
    "--cache",
    "folder",
    type=FOLDER,
    metavar="FOLDER",
    help="Another cache folder.  [default: $QA_PARALLEL_CACHE, or ~/.cache/qa-parallel]",
)


class _Cache(click.Group, Command):
    """A command that does something by itself."""


@click.group(cls=_Cache, invoke_without_command=True)
@_FOLDER
@AS_JSON
@click.pass_context
def command(ctx: click.Context, folder: Path | None, said: Said) -> None:
    """Converted models, translations, vectors of evaluation sets and rows that were given in
    Python are kept, and are not made again.

    Example: qa-parallel cache
    """
    from qa_parallel import api

    if ctx.invoked_subcommand is None:
        said.show(api.cache(folder))


@command.command(cls=Command)
@option(
    "Cache",
    "--older-than",
    metavar="30d|12h",
    help="Remove only what was neither read nor written for so long.",
)
@option("Cache", "--kind", type=click.Choice(KINDS), help="Remove only this kind.")
@option("Cache", "--all", "everything", is_flag=True, help="Remove all of it.")
@option("Cache", "--yes", is_flag=True, help="Do not ask.")
@_FOLDER
@AS_JSON
def prune(
    older_than: str | None,
    kind: str | None,
    everything: bool,
    yes: bool,
    folder: Path | None,
    said: Said,
) -> None:
    """Remove what is in the cache; it is made again when it is needed.

    What qa-parallel did not put there is left alone.

    Example: qa-parallel cache prune --older-than 30d
    """
    from qa_parallel import api

    if everything == bool(older_than or kind):
        raise click.UsageError("expected --older-than or --kind, or else --all")
    found = api.prune_cache(folder, kind=kind, older_than=older_than, dry_run=True)
    if found and not yes:
        click.confirm(
            f"Remove {len(found):,} entries ({size(found.bytes)}) of {found.folder}?",
            abort=True,
            err=True,
        )
    gone = api.prune_cache(folder, kind=kind, older_than=older_than)
    said.record(gone.record(), f"{len(gone):,} entries removed, {size(gone.bytes)}.")
