"""What every command ends in: one line for an error that a user can mend, an exit code."""

from __future__ import annotations

import signal
from typing import Any

import click

from qa_parallel.errors import QAParallelError


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends in the same order as Ctrl-C, locks released, what is done kept."""


def _terminate(*_: object) -> None:
    raise _Terminated


class Group(click.Group):
    """Turns errors that a user can mend into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except QAParallelError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as stop:
            click.echo(
                "Stopped. What is finished is kept; the same command goes on from there.", err=True
            )
            # 128 and the signal's number, as a shell reports it
            number = signal.SIGTERM if isinstance(stop, _Terminated) else signal.SIGINT
            ctx.exit(128 + number)
