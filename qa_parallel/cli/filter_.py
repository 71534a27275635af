"""`qa-parallel filter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.fields import fields, option
from qa_parallel.cli.output import OVERWRITE, SAYING, Command, Said, out
from qa_parallel.cli.sources import CORPUS_OPTIONS
from qa_parallel.errors import StoreError
from qa_parallel.filters.settings import FilterSettings


@click.command(cls=Command)
@click.argument("corpus", required=False)
@option(
    "Checks",
    "--set",
    "limits",
    multiple=True,
    metavar="CHECK=LIMIT",
    help="Another limit for a check, or off; repeatable, e.g. --set length=5 --set copied=off.",
)
@fields(
    "Checks",
    FilterSettings,
    min_languages="Keep only questions that are left in at least this many languages.",
    detector="Language identifier: auto, py3langid, heliport, langid, none, or the path of a "
    "fastText model.",
    pivot="Language to compare rows with if they do not say what they were translated from.",
    encoder='Encoder for comparing the meaning of source and translation (the check "cosine").',
    prefix="Text that the encoder expects before every input, e.g. 'query: '.",
)
@CORPUS_OPTIONS
@out("Folder to write the kept and the rejected rows to.")
@OVERWRITE
@option(
    "Output",
    "--explain",
    metavar="QA_ID",
    help="Print all scores of a question beside their limits.",
)
@SAYING
def command(
    corpus: str | None,
    limits: tuple[str, ...],
    explain: str | None,
    out: Path,
    overwrite: bool,
    said: Said,
    **settings: Any,
) -> None:
    """CORPUS is a folder that qa-parallel made, or a file, a folder or a Hub dataset. To try other
    limits, run it again with --overwrite: the scores are kept.

    Examples: qa-parallel filter corpus --out clean --min-languages 4

    qa-parallel filter --out clean --explain q17
    """
    from qa_parallel import api
    from qa_parallel.results import Filtered

    if corpus is None and explain is None:
        raise click.UsageError("expected a CORPUS to filter, found none")
    if explain is not None and said.as_json:
        raise click.UsageError("expected --explain or --json, found both")
    if corpus is not None:
        result = api.filter(
            corpus,
            out=out,
            overwrite=overwrite,
            progress=said.progress,
            limits=_limits(limits),
            **settings,
        )
        if explain is None:
            said.show(result)
    if explain is not None:
        found = api.read_corpus(out)
        if not isinstance(found, Filtered):
            raise StoreError(f"expected a folder that filter made at {out}, found {found!r}")
        said.render([found.explain(explain)])


def _limits(given: tuple[str, ...]) -> dict[str, float | None]:
    limits: dict[str, float | None] = {}
    for part in given:
        name, found, value = part.partition("=")
        try:
            limits[name.strip()] = None if value.strip() == "off" else float(value)
        except ValueError:
            found = ""
        if not found:
            raise click.BadParameter(f"expected CHECK=LIMIT or CHECK=off, found {part!r}")
    return limits
