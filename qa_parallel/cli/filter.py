"""`qa-parallel filter`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FOLDER, OVERWRITE, pairs, pick


@click.command("filter")
@click.argument("corpus", required=False)
@click.option("--out", type=FOLDER, required=True, help="Folder of what is kept, and rejected.")
@click.option(
    "--set",
    "limits",
    multiple=True,
    help="CHECK=LIMIT, repeatable, e.g. --set length=5 --set copied=off.",
)
@click.option(
    "--min-languages", type=int, help="Only questions left in so many languages.  [default: 1]"
)
@click.option(
    "--detector",
    help="Language identifier: auto, py3langid, heliport, langid, none, or the path of a fastText "
    "model.  [default: auto]",
)
@click.option("--pivot", help="Language to compare rows with that are no translations.")
@click.option(
    "--encoder", help="Folder or Hub id of an encoder, or 'demo', for the cosine of both sides."
)
@click.option("--prefix", help="What the encoder wants before a text, e.g. 'query: '.")
@click.option("--columns", callback=pairs, help="As in `translate`, for a CORPUS that is a source.")
@click.option("--source-language", help="Language of a CORPUS that is a source.")
@click.option("--split", help="Split of a Hub dataset, and of the outcome.  [default: train]")
@click.option("--explain", metavar="QA_ID", help="All scores of a question beside their limits.")
@OVERWRITE
def filter_(
    corpus: str | None,
    out: Path,
    limits: tuple[str, ...],
    explain: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Part the good rows of CORPUS from the bad ones, and say why.

    CORPUS is a folder that qa-parallel made, or a file, folder or Hub id of QA data. Run again with
    other limits and --overwrite: what was measured is not measured again.

    Example: qa-parallel filter corpus --out clean --min-languages 4
    """
    from qa_parallel.filters import stage
    from qa_parallel.filters.settings import FilterSettings
    from qa_parallel.machine import cores
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import SourceSettings

    if corpus is not None:
        chosen = {**pick(options, FilterSettings), "limits": _limits(limits)}
        settings = parse(FilterSettings, chosen, "options")
        source = {**pick(options, SourceSettings), "source": corpus}
        with show.console(stderr=True).status("reading") as status:
            outcome = stage.filter_corpus(
                parse(SourceSettings, source, "options"),
                settings,
                out,
                overwrite=overwrite,
                workers=cores(),
                tell=status.update,
            )
        if explain is None:
            show.summary(stage.STAGE, outcome)
    elif explain is None:
        raise click.UsageError("expected a CORPUS to filter, found none")
    if explain is not None:
        show.render([stage.explain(out, explain)])


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
