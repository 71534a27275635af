"""The command line as a whole: every help says how the command is used."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from qa_parallel.cli import main


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The group, its commands, and those of the groups among them."""
    yield path
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_help_has_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    _, found, example = words.partition("Example")
    assert found
    assert example.split()[1 : 2 + len(path)] == ["qa-parallel", *path]


def test_all_commands_are_looked_at() -> None:
    assert {("run",), ("publish",), ("train-eval",)} < set(commands(main))
