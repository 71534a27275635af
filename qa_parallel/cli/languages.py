"""`qa-parallel languages`."""

from __future__ import annotations

from typing import Any

import click

from qa_parallel.cli.fields import field, fields, option
from qa_parallel.cli.output import AS_JSON, Command, Said
from qa_parallel.text import counted
from qa_parallel.translation.models.settings import ModelSettings


@click.command(cls=Command)
@click.argument("words", nargs=-1)
@option("Model", "--model", help="Only the languages that this model knows, e.g. demo.")
@field("Model", ModelSettings, "revision", "Revision of a Hub model.", called="model_revision")
@fields(
    "Model",
    ModelSettings,
    quantization="Precision in which a model is stored if it has to be converted.",
    device="Where it will run; decides the precision of a conversion.",
    cache="Folder for converted models.",
)
@AS_JSON
def command(words: tuple[str, ...], model: str | None, said: Said, **settings: Any) -> None:
    """--model lists only the languages that the model knows.

    Example: qa-parallel languages --model demo
    """
    from rich.table import Table

    from qa_parallel import api

    found = api.languages(*words, model=model, **settings)
    if said.as_json:
        said.record({"languages": found.to_dicts()}, "")
        return
    table = Table(*found.columns, box=None, pad_edge=False)
    for row in found.iter_rows():
        table.add_row(*(value or "" for value in row))
    said.render([table, counted(found.height, "language")])
