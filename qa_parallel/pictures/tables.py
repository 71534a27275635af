"""Heat maps: tables of numbers as coloured cells, with the numbers where they can be read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_parallel.language_codes import LANGUAGES
from qa_parallel.pictures.paper import GAP, LINE, MARGIN, WIDTH, Picture, extent, share, short

STEPS = 10  # shades: from h0, for the lowest, to h10
OVER = 7  # the shade from which figures have the colour of the paper
# Pixels: least and most width of a cell with a figure and without, the height of one with a figure.
_CELL, _TINY, _ROW = (28, 60), (12, 20), 28
# What a single table may take rather than lose its figures; the page has as much room.
_WIDEST = 1.25 * WIDTH
_SWATCH = 22
_ROUNDED = 0.05  # of the scale, that a figure under it may be wrong by
_MOST_HINTS = 10_000  # cells; hints on more make a page heavy

Values = Sequence[Sequence[float | None]]


def shade(value: float, low: float, high: float) -> int:
    """Of 0 … `STEPS`, where `value` is between `low` and `high`.

    >>> shade(0.5, 0, 1), shade(7, 0, 1), shade(3, 3, 3)
    (5, 10, 0)
    """
    part = (value - low) / (high - low) if high > low else 0.0
    return round(STEPS * min(1.0, max(0.0, part)))


def heat_maps(
    panels: Mapping[str, Values],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    row_label: str = "",
    column_label: str = "",
    number: str = ".3f",
    limits: tuple[float, float] | None = None,
) -> Picture:
    """Tables as coloured cells, as many side by side as there is room for.

    Figures stand in the cells where all of them fit, else in hints. A row or column that is named
    by a language's code has the language's name in a hint.

    Parameters
    ----------
    panels:
        The tables by name: one sequence a row, one number a column. None is a dash: nothing was
        measured there. A shade means the same number in all of them.
    rows, columns:
        Their names, the same for all tables; the first row is at the top.
    row_label, column_label:
        What they are, e.g. "query".
    number:
        Format of the figures, e.g. ".3f" or ",.0f".
    limits:
        Values of the lightest and the darkest shade. None = lowest and highest there are.

    Examples
    --------
    >>> picture = heat_maps({"": [[0.8, 0.6], [0.5, None]]}, ["en", "de"], ["en", "de"],
    ...                     title="mAP", row_label="query", column_label="passage")
    >>> picture.summary
    'Heat map of 2 × 2 cells, query by passage. Lowest: .500 (de, en). Highest: .800 (en, en).'
    """
    known = {name: [[_known(one) for one in row] for row in panels[name]] for name in panels}
    cells = [one for panel in known.values() for row in panel for one in row]
    values = [one for one in cells if one is not None]
    low, high = limits or _limits(values)
    table = _Table(rows, columns, (row_label, column_label), number, low, high)
    grid = _fit(table, values, len(known))
    made = Picture(title, table.summary(known))
    height = grid.top + grid.row * len(rows) + (LINE if any(known) else 0)
    for name, left, above in made.panels(list(known), grid.across, grid.width, height):
        _axes(made, table, grid, left, above)
        _cells(made, table, grid, left + grid.left, above + grid.top, known[name])
    bottom = made.bottom if values else made.bottom + grid.row
    _legend(made, table, MARGIN + grid.left, bottom + LINE, len(values) < len(cells))
    return made


@dataclass(frozen=True)
class _Table:
    """What the tables of a picture have in common; see `heat_maps`."""

    rows: Sequence[str]
    columns: Sequence[str]
    labels: tuple[str, str]
    number: str
    low: float
    high: float

    def figure(self, value: float) -> str:
        """Without a nought before the point, which would make the cells a quarter wider."""
        return re.sub(r"^(-?)0\.", r"\1.", format(value, self.number))

    def summary(self, panels: Mapping[str, Values]) -> str:
        """The shape of the tables, the lowest and the highest value of all, and where they are."""
        words = f"Heat map of {len(self.rows)} × {len(self.columns)} cells"
        if all(self.labels):
            words += f", {' by '.join(self.labels)}"
        found = [
            (value, ", ".join(filter(None, (name, row, column))))
            for name, panel in panels.items()
            for row, values in zip(self.rows, panel, strict=True)
            for column, value in zip(self.columns, values, strict=True)
            if value is not None
        ]
        if found:
            (low, lowest), (high, highest) = min(found), max(found)
            words += (
                f". Lowest: {self.figure(low)} ({lowest}). Highest: {self.figure(high)} ({highest})"
            )
        return f"{words}."


@dataclass(frozen=True)
class _Grid:
    """Measures of each table.

    Attributes
    ----------
    across:
        Tables side by side.
    left, top:
        Room for the names of the rows and for those of the columns.
    cell, row:
        Width and height of a cell, with the gap to the next.
    figures:
        Whether there are figures in the cells.
    turn:
        Of the names of the columns, in degrees.
    width:
        Of a table; names of columns may stand out into the gap between tables.
    """

    across: int
    left: float
    top: float
    cell: float
    row: float
    figures: bool
    turn: int
    width: float


def _fit(table: _Table, values: Sequence[float], panels: int) -> _Grid:
    """As many tables side by side as can have figures; none of them has where one cannot."""
    longest = max((extent(table.figure(one), "figure") for one in values), default=0.0)
    need = max(_CELL[0], longest + 3)
    left = math.ceil(
        10 + max(extent(short(one), "label") for one in (*table.rows, table.labels[0]))
    )
    columns = max(1, len(table.columns))
    room = {n: (share(n) - left) / columns for n in range(1, panels + 1)}
    fitting = max((n for n, cell in room.items() if cell >= need), default=0)
    figures = bool(fitting) or left + need * columns <= _WIDEST
    # where there are two rows of tables, the second is as full as the first
    across = math.ceil(panels / math.ceil(panels / max(1, fitting)))
    least, most = (need, max(need, _CELL[1])) if figures else _TINY
    cell = math.floor(min(most, max(least, room[across])))
    size = "label" if figures else "small"
    label = max((extent(short(one), size) for one in table.columns), default=0.0)
    turn = 0 if label <= cell - 2 else -45 if figures else -90
    up, aside = (label * abs(of(math.radians(turn))) for of in (math.sin, math.cos))
    top = (LINE if table.labels[1] else 0) + math.ceil(up + 12 if turn else 20)
    beyond = max(0, math.ceil(aside - cell / 2) - GAP) if turn == -45 else 0
    row = _ROW if figures else cell
    return _Grid(across, left, top, cell, row, figures, turn, left + cell * columns + beyond)


def _axes(made: Picture, table: _Table, grid: _Grid, left: float, above: float) -> None:
    """What rows and columns are, and their names."""
    start, base = left + grid.left, above + grid.top
    kind = "label" if grid.figures else "label small"
    made.write(start - 10, base - 8, table.labels[0], "soft end")
    made.write(start, above + 12, table.labels[1], "soft")
    for place, name in enumerate(table.columns):
        x, hint = start + grid.cell * (place + 0.5), _hint(name)
        if grid.turn:
            aside = 3 if grid.turn == -90 else 0  # half of the height of the letters
            made.write(x + aside, base - 6, short(name), kind, hint, grid.turn)
        else:
            made.write(x, base - 8, short(name), f"{kind} middle", hint)
    for place, name in enumerate(table.rows):
        y = base + grid.row * (place + 0.5) + 3
        made.write(start - 10, y, short(name), f"{kind} end", _hint(name))


def _cells(
    made: Picture, table: _Table, grid: _Grid, left: float, top: float, panel: Values
) -> None:
    gap = 2 if grid.figures else 1
    hints = not grid.figures and len(table.rows) * len(table.columns) <= _MOST_HINTS
    for down, (row, values) in enumerate(zip(table.rows, panel, strict=True)):
        for across, (column, value) in enumerate(zip(table.columns, values, strict=True)):
            x, y = left + grid.cell * across, top + grid.row * down
            middle, base = x + (grid.cell - gap) / 2, y + grid.row / 2 + 3
            if value is None:
                made.write(middle, base, "–", "figure middle soft")
                continue
            hue = shade(value, table.low, table.high)
            hint = f"{row}, {column}: {table.figure(value)}" if hints else ""
            made.box(x, y, grid.cell - gap, grid.row - gap, f"h{hue}", hint)
            if grid.figures:
                over = " over" if hue >= OVER else ""
                made.write(middle, base, table.figure(value), f"figure middle{over}")


def _legend(made: Picture, table: _Table, left: float, top: float, blanks: bool) -> None:
    """The shades, what the first, the middle and the last one stand for, and what a dash is."""
    for step in range(STEPS + 1):
        made.box(left + step * _SWATCH, top, _SWATCH, 10, f"h{step}")
    end, span = left + (STEPS + 1) * _SWATCH, table.high - table.low
    for x, value, kind in (
        (left, table.low, "soft"),
        ((left + end) / 2, (table.low + table.high) / 2, "soft middle"),
        (end, table.high, "soft end"),
    ):
        # a middle that the format cannot say, like 1.5 rows, is left out
        if abs(float(format(value, table.number).replace(",", "")) - value) <= _ROUNDED * span:
            made.write(x, top + 26, table.figure(value), f"figure {kind}")
    if blanks:
        made.write(end + 20, top + 10, "– not measured", "figure soft")


def _hint(name: str) -> str:
    """The language, or a name that is cut where it is shown."""
    language = LANGUAGES.get(name)
    return language.name if language else name if short(name) != name else ""


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest; with 0 or 1 where all are the same or there are none."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (min(low, 0.0), max(high, 1.0))


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
