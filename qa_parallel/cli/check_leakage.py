"""`qa-parallel check-leakage`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FOLDER, OVERWRITE, pairs, pick


@click.command("check-leakage")
@click.argument("corpus")
@click.option(
    "--against",
    multiple=True,
    required=True,
    help="NAME=PATH of an evaluation set, repeatable; options as NAME=PATH?language=de&split=test.",
)
@click.option(
    "--action",
    type=click.Choice(["report", "drop", "fail"]),
    help="drop: write what does not leak to --out.  fail: exit code 3.  [default: report]",
)
@click.option("--ngrams", help="Lengths of the runs of words to look for.  [default: 8,13]")
@click.option("--containment", type=float, help="Shared n-grams that make a leak.  [default: 0.5]")
@click.option("--similarity", type=float, help="Of near duplicates, at least.  [default: 0.5]")
@click.option(
    "--encoder",
    help="Folder or Hub id of an encoder, or 'demo', for sets in other languages than CORPUS.",
)
@click.option("--prefix", help="What the encoder wants before a text, e.g. 'query: '.")
@click.option("--cosine", type=float, help="Of questions across languages.  [default: 0.86]")
@click.option("--columns", callback=pairs, help="As in `translate`, for a CORPUS that is a source.")
@click.option("--source-language", help="Language of a CORPUS that is a source.")
@click.option("--split", help="Split of a Hub dataset, and of the outcome.  [default: train]")
@click.option("--out", type=FOLDER, help="Folder of the report, and of the clean corpus.")
@OVERWRITE
def check_leakage(
    corpus: str, against: tuple[str, ...], out: Path | None, overwrite: bool, **options: Any
) -> None:
    """Find what CORPUS shares with evaluation sets, in any language.

    CORPUS is a folder that qa-parallel made, or a file, folder or Hub id of QA data.

    Example: qa-parallel check-leakage corpus --against xquad-r=data/xquad-r --action drop
    --out clean
    """
    from qa_parallel.leakage import stage
    from qa_parallel.leakage.settings import LeakageSettings
    from qa_parallel.settings import parse
    from qa_parallel.sources.settings import SourceSettings, parse_evalset

    if options["ngrams"] is not None:
        options["ngrams"] = [part.strip() for part in options["ngrams"].split(",")]
    settings = parse(LeakageSettings, pick(options, LeakageSettings), "options")
    source = parse(SourceSettings, {**pick(options, SourceSettings), "source": corpus}, "options")
    sets = [parse_evalset(one) for one in against]
    checked = stage.check_leakage(source, sets, settings, out, overwrite=overwrite)
    show.leaks(checked)
    if checked.outcome is not None and checked.holds_corpus():
        show.corpus(checked.outcome)
    elif checked.outcome is not None:
        click.echo(f"The report is in {checked.outcome.folder}.")
    stage.refuse_leaks(checked)
