"""What is seen while something runs: bars on a terminal and in notebooks, lines elsewhere."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Column, Table
    from rich.text import Text

# Columns of what goes to a file, a pipe or a notebook.
WIDTH = 120

Tell = Callable[[str], None]
# Longer words of a table may be broken where there is no room.
_WORD = 20
# Whether something is drawn while a verb works; "verbose" is a line for each thing that is done,
# with the seconds since the beginning.
Shown = bool | Literal["verbose"]


class QAParallelWarning(UserWarning):
    """What the user should know of, though the work goes on."""


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal or as $COLUMNS; 120 columns where there is neither."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    known = stream.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(stderr=stderr, width=None if known else WIDTH)


def is_live(target: Console) -> bool:
    """Whether something can be drawn in place: a terminal, or a notebook that has ipywidgets."""
    in_notebook = target.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
    return target.is_terminal or in_notebook


def printed(parts: Iterable[RenderableType], width: int = WIDTH) -> str:
    """Rich's tables and texts as plain text, without spaces at the ends of lines."""
    from rich.console import Console

    text = io.StringIO()
    # in a notebook, a console that is not told otherwise would show it instead
    target = Console(file=text, width=width, no_color=True, force_jupyter=False)
    render(target, parts)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def html(parts: Iterable[RenderableType]) -> str:
    """The same for a notebook, with its colours."""
    from rich.console import Console

    target = Console(file=io.StringIO(), width=WIDTH, record=True, force_jupyter=False)
    render(target, parts)
    return target.export_html(
        inline_styles=True, code_format="<pre style='overflow-x:auto'>{code}</pre>"
    )


def render(target: Console, parts: Iterable[RenderableType]) -> None:
    """Print tables, texts, and strings as they are, never folded; no width cuts a figure."""
    from rich.table import Table

    for part in parts:
        if isinstance(part, str):
            target.print(part, highlight=False, markup=False, soft_wrap=True)
        else:
            shown = fitted(part, target.width) if isinstance(part, Table) else part
            target.print(shown, highlight=False)


def fitted(table: Table, width: int) -> RenderableType:
    """`table` for that many columns, without a figure that is cut or broken.

    Columns of words give way first, then headings are broken at their spaces. Where that is not
    enough, rows come one below the other, each of its cells in a line with the column's name.

    Examples
    --------
    >>> from rich.table import Table
    >>> table = Table("system", box=None, pad_edge=False)
    >>> table.add_column("rank distance", justify="right")
    >>> table.add_row("hybrid", "1,213.4")
    >>> print(printed([table], 16))
                rank
    system  distance
    hybrid   1,213.4
    """
    from rich.table import Table

    gaps = sum(table.padding[1::2]) * (len(table.columns) - 1)
    widths = [_widths(column) for column in table.columns]
    room = width - gaps - sum(least for least, _ in widths)
    if room < 0:
        return _upright(table)
    given = [least for least, _ in widths]
    # what would be broken within its words, such as a path, is the first to get room
    columns = range(len(given))
    for number in sorted(columns, key=lambda one: table.columns[one].overflow != "fold"):
        more = min(room, widths[number][1] - given[number])
        given[number] += more
        room -= more
    shown = Table(box=None, pad_edge=False, show_header=table.show_header)
    shown.columns = [
        replace(column, width=width, overflow="fold", no_wrap=False)
        for column, width in zip(table.columns, given, strict=True)
    ]
    shown.rows = table.rows
    return shown


def _widths(column: Column) -> tuple[int, int]:
    """The columns of text that a table's column needs, and those that it would like to have."""
    heading, *cells = [_lengths(cell) for cell in (column.header, *column.cells)]
    whole = max((most for _, most in cells), default=0)
    words = max((word for word, _ in cells), default=0)
    is_figures = column.justify == "right" or column.no_wrap
    return (
        max(heading[0], whole if is_figures else min(words, _WORD), 1),
        max(heading[1], whole, 1),
    )


def _lengths(cell: Any) -> tuple[int, int]:
    """Columns of the longest word and of the longest line."""
    from rich.cells import cell_len

    text = _text(cell).plain
    return (
        max(map(cell_len, text.split()), default=0),
        max(map(cell_len, text.splitlines()), default=0),
    )


def _text(cell: Any) -> Text:
    from rich.text import Text

    return cell if isinstance(cell, Text) else Text.from_markup(str(cell))


def _upright(table: Table) -> RenderableType:
    """A line for each cell that is not empty, a gap between rows."""
    from rich.console import Group
    from rich.table import Table

    blocks: list[RenderableType] = []
    cells = zip(*(column.cells for column in table.columns), strict=True)
    for row, values in zip(table.rows, cells, strict=True):
        block = Table.grid(padding=(0, 2, 0, 0))
        block.add_column(style="dim", overflow="fold")
        block.add_column(overflow="fold")
        for column, value in zip(table.columns, values, strict=True):
            if _text(value).plain:
                block.add_row(column.header, value, style=row.style)
        blocks += [*([""] if blocks else []), block]
    return Group(*blocks)


class Telling:
    """Says what is being done: in place where that is possible, now and then in a line elsewhere.

    with Telling() as telling:
        telling.tell("reading")

    Parameters
    ----------
    verbose:
        A line for each thing that is done, with the seconds since the beginning.
    """

    _EVERY = 15.0  # seconds

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose

    def __enter__(self) -> Self:
        self._console = console(stderr=True)
        self._status = self._console.status("reading")
        self._began = self._said = time.monotonic()
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        self._status.stop()
        if self._verbose and kind is None:
            self.tell("done")

    def pause(self) -> None:
        """Nothing is drawn until there is something to tell."""
        self._status.stop()

    def tell(self, text: str) -> None:
        """What is being done now, in a few words."""
        now = time.monotonic()
        if self._verbose:
            self._line(f"{now - self._began:8.1f} s  {text}")
            return
        self._status.update(text)
        if is_live(self._console):
            self._status.start()
        elif now - self._said > self._EVERY:
            self._said = now
            self._line(text)

    def warn(self, text: str) -> None:
        """What the user should know of."""
        self._line(f"Warning: {text}", style="yellow")

    def _line(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


class Silent:
    """Draws nothing; warnings go where Python's go."""

    def pause(self) -> None: ...

    def tell(self, text: str) -> None: ...

    def warn(self, text: str) -> None:
        """What the user should know of, as a `QAParallelWarning`."""
        warnings.warn(text, QAParallelWarning, stacklevel=3)

    def start(self, *_: Any) -> None: ...

    def begin(self, *_: Any) -> None: ...

    def batch(self, *_: Any) -> None: ...

    def unit(self, *_: Any) -> None: ...

    def finish(self) -> None: ...


@contextmanager
def telling(shown: Shown) -> Iterator[Telling | Silent]:
    """Who is told what is being done; with `shown` false, nobody."""
    if not shown:
        yield Silent()
        return
    with Telling(shown == "verbose") as told:
        yield told
