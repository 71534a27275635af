"""Pictures: what a table of numbers looks like. Drawn by matplotlib, without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.errors import StoreError
from qa_parallel.storage import store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# No date and no version, so that the same numbers give the same file.
_METADATA: dict[str, dict[str, Any]] = {".svg": {"Date": None, "Creator": None}, ".png": {}}
_CELL = 0.55  # inches
_MOST_NUMBERS = 30  # rows or columns; beyond it cells are too small to be read


def heat_maps(
    panels: Mapping[str, Sequence[Sequence[float | None]]],
    rows: Sequence[str],
    columns: Sequence[str],
    path: Path,
    *,
    title: str = "",
    row_label: str = "",
    column_label: str = "",
    number: str = ".3f",
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw tables as coloured cells with their numbers, side by side, and write them atomically.

    Parameters
    ----------
    panels:
        The tables by name: one sequence a row, one number a column. None is left blank: nothing
        was measured there. A colour means the same number in all of them.
    rows, columns:
        Their names, the same for all tables; the first row is at the top.
    path:
        Ends in .svg or .png.
    title:
        Over all of them.
    number:
        Format of the numbers in the cells, e.g. ".3f" or ",.0f".
    limits:
        Values of the lightest and the darkest colour. None = lowest and highest there are.

    Raises
    ------
    StoreError
        Another ending than .svg or .png, or the file cannot be written.

    Examples
    --------
    >>> heat_maps({"mAP": [[0.8, 0.6], [0.5, None]]}, ["en", "de"], ["en", "de"], Path("map.svg"),
    ...           row_label="query", column_label="passage")  # doctest: +SKIP
    """
    figure = _figure(len(rows), len(columns), len(panels))
    low, high = limits or _limits([row for values in panels.values() for row in values])
    if title:
        figure.suptitle(title, parse_math=False)
    for axes, (name, values) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        _draw(axes, values, rows, columns, number, low, high)
        axes.set_title(name, parse_math=False)
        axes.set_xlabel(column_label, parse_math=False)
    first = figure.axes[0]
    first.set_ylabel(row_label, parse_math=False)
    figure.colorbar(first.images[0], ax=figure.axes)
    _save(figure, path)


def _draw(
    axes: Any,
    values: Sequence[Sequence[float | None]],
    rows: Sequence[str],
    columns: Sequence[str],
    number: str,
    low: float,
    high: float,
) -> None:
    """One table: its cells, their numbers, and the names of rows and columns."""
    cells = [[float("nan") if value is None else float(value) for value in row] for row in values]
    axes.imshow(cells, cmap="viridis_r", vmin=low, vmax=high, aspect="auto")
    axes.set_facecolor("0.95")
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    if max(len(rows), len(columns)) <= _MOST_NUMBERS:
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                if value is not None:
                    dark = high > low and (value - low) / (high - low) > 0.5
                    text = format(value, number)
                    colour = "white" if dark else "black"
                    axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=7)


def _limits(values: Sequence[Sequence[float | None]]) -> tuple[float, float]:
    """The lowest and the highest; (0, 1) where there is nothing or all is the same."""
    known = [value for row in values for value in row if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return (low, high) if high > low else (min(low, 0.0), max(high, 1.0))


def _figure(rows: int, columns: int, panels: int) -> Figure:
    """A figure that is no part of pyplot's global state."""
    from matplotlib.figure import Figure

    width, height = 2.6 + _CELL * columns, 1.8 + _CELL * rows
    return Figure(figsize=(min(width, 24) * panels, min(height, 20)), layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    import matplotlib

    if path.suffix not in _METADATA:
        raise StoreError(f"expected a picture to end in .svg or .png, found {path.name}")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "qa-parallel"}):
        metadata = _METADATA[path.suffix]
        figure.savefig(buffer, format=path.suffix[1:], dpi=150, metadata=metadata)
    store.write_bytes(path, buffer.getvalue())
