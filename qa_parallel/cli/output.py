"""What every command that makes something has: where it goes, and how much is said of it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from qa_parallel import display
from qa_parallel.cli.fields import FOLDER, Decorator, Option, option, together

if TYPE_CHECKING:
    from rich.console import RenderableType

    from qa_parallel.results import Shown

SECTION = "Output"
OVERWRITE = option(
    SECTION,
    "--overwrite",
    is_flag=True,
    help="Replace a folder that was made with other settings.",
)
AS_JSON = option(
    SECTION,
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object for scripts, and nothing else, to standard output.",
)
SAYING = together(
    option(SECTION, "-q", "--quiet", is_flag=True, help="Print errors and warnings only."),
    option(
        SECTION,
        "-v",
        "--verbose",
        is_flag=True,
        help="Print what is done, step by step, with the seconds since the start.",
    ),
    AS_JSON,
)


def out(words: str, *, required: bool = True) -> Decorator:
    """The option --out."""
    return option(
        SECTION, "-o", "--out", type=FOLDER, metavar="FOLDER", required=required, help=words
    )


@dataclass(frozen=True)
class Said:
    """How much is said, and to whom."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    @property
    def progress(self) -> display.Shown:
        """What the verbs of the API are told."""
        return "verbose" if self.verbose else not self.quiet

    def show(self, result: Shown, *, places: bool = True) -> None:
        """Print a result.

        Parameters
        ----------
        places:
            Whether to say where its files are; they may be gone.
        """
        if self.as_json:
            record = result.record()
            record |= {} if places else {"folder": None}
            click.echo(json.dumps(record, ensure_ascii=False, default=str))
        elif not self.quiet:
            if getattr(result, "complete_before", False):
                click.echo(f"{result.folder} is complete already; nothing to do.")  # type: ignore[attr-defined]
            self.render(one for one in result.tables() if places or not isinstance(one, str))

    def record(self, record: dict[str, Any], line: str) -> None:
        """Print what a command did that has no result to show: for scripts, or in a line."""
        if self.as_json:
            click.echo(json.dumps(record, ensure_ascii=False, default=str))
        else:
            self.line(line)

    def line(self, text: str) -> None:
        """Print a line for a person."""
        self.render([text])

    def render(self, parts: Iterable[RenderableType]) -> None:
        """Print tables and texts for a person."""
        if not (self.quiet or self.as_json):
            display.render(display.console(), parts)


class Command(click.Command):
    """A command whose options stand under headings.

    -q, -v and --json reach the function as one `Said`.
    """

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Option) and record is not None:
                own = param.section if isinstance(param, Option) else ""
                sections.setdefault(own, []).append(record)
        others = sections.pop("", [])
        for name, records in [*sections.items(), ("Other", others)]:
            with formatter.section(name if sections else "Options"):
                formatter.write_dl(records)

    def invoke(self, ctx: click.Context) -> Any:
        if "as_json" not in ctx.params:
            return super().invoke(ctx)
        names = ("quiet", "verbose", "as_json")
        given = {name: ctx.params.pop(name, False) for name in names}
        if given["quiet"] and given["verbose"]:
            raise click.UsageError("expected --quiet or --verbose, found both")
        ctx.params["said"] = Said(**given)
        with warnings.catch_warnings():
            warnings.simplefilter("always", display.QAParallelWarning)
            warnings.showwarning = _warn
            return super().invoke(ctx)


_shown = warnings.showwarning


def _warn(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
    """Warnings of ours as lines; those of others as Python shows them."""
    if issubclass(category, display.QAParallelWarning):
        click.echo(f"Warning: {message}", err=True)
    else:
        _shown(message, category, *rest, **more)
