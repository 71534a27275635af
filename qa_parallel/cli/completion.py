"""`qa-parallel completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from qa_parallel.cli.output import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Add what it prints to the file that your shell reads when it starts, ~/.bashrc or ~/.zshrc;
    for fish, write it to ~/.config/fish/completions/qa-parallel.fish.

    Example: qa-parallel completion bash >> ~/.bashrc
    """
    kind = get_completion_class(shell)
    if kind is None or ctx.parent is None:
        raise click.UsageError(f"expected a shell that click knows, found {shell}")
    click.echo(kind(ctx.parent.command, {}, "qa-parallel", "_QA_PARALLEL_COMPLETE").source())
