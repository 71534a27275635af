"""Line charts: series of numbers over steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qa_parallel.pictures.paper import GAP, LINE, MARGIN, WIDTH, Picture, extent, short

SERIES = 6  # colours; further lines are dashed, and then dotted
_DASHES = ("", " dashed", " dotted")
_SIZE = (428, 210)  # pixels
_TICKS = 5

Points = Sequence[tuple[float, float]]


def line_charts(
    panels: Mapping[str, Mapping[str, Points]], *, title: str, x_label: str = ""
) -> Picture:
    """Charts of lines, two side by side, each with a scale of its own.

    Parameters
    ----------
    panels:
        The charts by name: points (x, y) by the name of their line, in the order of x. A line
        looks the same in all charts; points that are no numbers are left out.
    x_label:
        What x is, in all charts.

    Examples
    --------
    >>> picture = line_charts({"loss": {"hybrid": [(1, 2.5), (10, 1.5)]}}, title="Training")
    >>> picture.summary
    'Line charts of loss. Lines: hybrid, loss from 2.5 to 1.5.'
    """
    known = {
        name: {line: [point for point in points if all(map(math.isfinite, point))]
               for line, points in panel.items()}
        for name, panel in panels.items()
    }  # fmt: skip
    kinds = {
        line: f"s{place % SERIES}{_DASHES[place // SERIES % len(_DASHES)]}"
        for place, line in enumerate(
            dict.fromkeys(one for panel in known.values() for one in panel)
        )
    }
    made = Picture(title, _summary(known))
    width, height = _SIZE
    across = min(max(1, len(panels)), (WIDTH - 2 * MARGIN + GAP) // (width + GAP))
    for name, left, above in made.panels(list(known), across, width, height):
        _chart(made, left, above, (width, height - LINE), known[name], kinds)
        made.write(left + width, above + height - LINE, x_label, "figure soft end")
    _key(made, kinds, made.bottom + LINE + 8, across * (width + GAP) - GAP)
    return made


def _summary(panels: Mapping[str, Mapping[str, Points]]) -> str:
    ends = (
        f"{line}, {name} from {points[0][1]:,.4g} to {points[-1][1]:,.4g}"
        for name, panel in panels.items()
        for line, points in panel.items()
        if points
    )
    return f"Line charts of {', '.join(panels)}. Lines: {'; '.join(ends)}."


def _chart(
    made: Picture,
    left: float,
    top: float,
    size: tuple[float, float],
    panel: Mapping[str, Points],
    kinds: Mapping[str, str],
) -> None:
    """The grid with its figures, and the lines."""
    points = [point for line in panel.values() for point in line]
    across, up = (ticks([point[side] for point in points]) for side in (0, 1))
    figures = [f"{tick:,.6g}" for tick in up]
    start = left + 8 + max(extent(one, "figure") for one in figures)
    right, bottom = left + size[0] - 8, top + size[1] - 32

    def x_of(x: float) -> float:
        return start + (x - across[0]) / (across[-1] - across[0]) * (right - start)

    def y_of(y: float) -> float:
        return bottom - (y - up[0]) / (up[-1] - up[0]) * (bottom - top)

    for tick, figure in zip(up, figures, strict=True):
        made.line([(start, y_of(tick)), (right, y_of(tick))], "grid")
        made.write(start - 8, y_of(tick) + 4, figure, "figure soft end")
    for tick in across:
        made.write(x_of(tick), bottom + 16, f"{tick:,.6g}", "figure soft middle")
    for name, line in panel.items():
        made.line([(x_of(x), y_of(y)) for x, y in line], kinds[name])


def _key(made: Picture, kinds: Mapping[str, str], top: float, width: float) -> None:
    """Which line is which."""
    x, y = float(MARGIN), top
    for name, kind in kinds.items():
        wide = 32 + extent(short(name), "label")
        if x > MARGIN and x + wide > MARGIN + width:
            x, y = float(MARGIN), y + LINE
        made.line([(x, y - 4), (x + 24, y - 4)], kind)
        made.write(x + 32, y, short(name), "label", name if short(name) != name else "")
        x += wide + 20


def ticks(values: Sequence[float]) -> list[float]:
    """Round numbers around and between all values; from 0 to 1 where there are none.

    >>> ticks([0.13, 0.47]), ticks([1, 59]), ticks([])
    ([0.1, 0.2, 0.3, 0.4, 0.5], [0.0, 20.0, 40.0, 60.0], [0.0, 0.5, 1.0])
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low == high:
        low, high = low - (abs(low) or 1), high + (abs(high) or 1)
    rough = (high - low) / (_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{place * step:.10g}") for place in range(first, last + 1)]
