"""`qa-parallel recipes`."""

from __future__ import annotations

from pathlib import Path

import click

from qa_parallel.cli.fields import PATH
from qa_parallel.cli.output import AS_JSON, Command, Said


class _Recipes(click.Group, Command):
    """A command that does something by itself."""


@click.group(cls=_Recipes, invoke_without_command=True)
@AS_JSON
@click.pass_context
def command(ctx: click.Context, said: Said) -> None:
    """`qa-parallel run NAME` runs one by its name.

    Example: qa-parallel recipes
    """
    if ctx.invoked_subcommand is not None:
        return
    from rich.table import Table

    from qa_parallel import api

    found = api.recipes()
    if said.as_json:
        said.record({"recipes": found.to_dicts()}, "")
        return
    table = Table("recipe", "what it makes", box=None, pad_edge=False)
    for name, description, _ in found.iter_rows():
        table.add_row(name, description)
    said.render([table])


@command.command(cls=Command)
@click.argument("name")
@click.argument("to", default=".", type=PATH)
@AS_JSON
def copy(name: str, to: Path, said: Said) -> None:
    """Copy a recipe and its data, to change it.

    TO is a folder, or the name of the new file, mine.toml.  [default: here]

    Example: qa-parallel recipes copy own-faq
    """
    from qa_parallel import api

    made = api.copy_recipe(name, to)
    said.record({"recipe": str(made)}, f"To run it: qa-parallel run {made}")
