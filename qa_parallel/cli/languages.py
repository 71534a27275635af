"""`qa-parallel languages`."""

from __future__ import annotations

from pathlib import Path

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FOLDER


@click.command()
@click.option("--model", help="Only those that this model knows, e.g. demo.")
@click.option("--model-revision", help="Revision of a Hub model.")
@click.option("--cache", type=FOLDER, help="Folder of converted models.")
@click.argument("words", nargs=-1)
def languages(
    words: tuple[str, ...], model: str | None, model_revision: str | None, cache: Path | None
) -> None:
    """Print the languages, all or those that WORDS occur in; --model narrows to what it knows.

    Example: qa-parallel languages --model demo
    """
    from rich.table import Table

    from qa_parallel.language_codes import LANGUAGES

    known = set(LANGUAGES)
    if model is not None:
        from qa_parallel.settings import parse
        from qa_parallel.translation.models.model import resolve
        from qa_parallel.translation.models.settings import ModelSettings

        given = {"model": model, "revision": model_revision, "cache": cache}
        values = {name: value for name, value in given.items() if value is not None}
        known = set(resolve(parse(ModelSettings, values, "options")).languages)
    table = Table("code", "name", "script", "639-1", "639-3", box=None, pad_edge=False)
    wanted = [word.casefold() for word in words]
    for code, item in LANGUAGES.items():
        row = (code, item.name, item.script, item.iso639_1 or "", item.iso639_3)
        if code in known and all(word in " ".join(row).casefold() for word in wanted):
            table.add_row(*row)
    show.console().print(table)
    click.echo(f"{table.row_count} languages")
