"""The group of all commands: loads the one that is called, ends in one line where it fails."""

from __future__ import annotations

import difflib
import importlib
import inspect
import signal
from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from qa_parallel.errors import QAParallelError


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends in the same order as Ctrl-C, locks released, what is done kept."""


def _terminate(*_: object) -> None:
    raise _Terminated


class Group(click.Group):
    """Commands that are loaded when they are called.

    Errors that a user can mend become one line and exit code 2.

    Parameters
    ----------
    summaries:
        A line for each command, in the order of the list; the command "check-leakage" is `command`
        in the module `qa_parallel.cli.check_leakage`.
    """

    def __init__(self, *args: Any, summaries: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.summaries:
            return None
        name = cmd_name.replace("-", "_")
        # what is a word of Python's, or a built-in, has an underscore
        name += "_" if name in ("import", "help", "filter") else ""
        command: click.Command = importlib.import_module(f"qa_parallel.cli.{name}").command
        if command.short_help is None:
            command.name = cmd_name
            command.short_help = self.summaries[cmd_name]
            command.help = "\n\n".join(
                filter(None, (command.short_help, inspect.cleandoc(command.help or "")))
            )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.summaries and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.summaries, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "qa-parallel -h lists them"
            ctx.fail(f"expected a command, found {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except QAParallelError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as stop:
            click.echo(
                "Stopped. Finished work is kept; run the same command again to continue.", err=True
            )
            # 128 and the signal's number, as a shell reports it
            number = signal.SIGTERM if isinstance(stop, _Terminated) else signal.SIGINT
            ctx.exit(128 + number)
