"""The paper that pictures are drawn on: where shapes and words stand, in pixels, and how wide
words are. picture.svg.jinja writes it down; picture.css gives every kind of shape its colour.
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

TEMPLATE, STYLE = "picture.svg.jinja", "picture.css"
WIDTH = 920  # of panels side by side; a README shows hardly more without making all smaller
MARGIN, GAP = 16, 32  # around the paper, and between panels
LINE = 24  # height of a line of words with the room around it
_LONG = 28  # characters of a name; what is longer is cut, and whole in a hint
# Sizes as in the style sheet, those of bold words a little more, as they are wider.
_SIZES = {"title": 17.5, "name": 14, "label": 12, "figure": 11, "small": 10}
# Widths of characters as a share of the size, of a font as wide as DejaVu Sans.
_USUAL, _CAPITAL, _WIDE = 0.62, 0.78, 1.0
_ENDS = {"middle": 0.5, "end": 0.0}  # the share of the words that is right of their place
# What XML cannot hold, not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Box:
    """A rectangle of a `kind` of the style sheet; a pointer shows `hint`."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    hint: str


@dataclass(frozen=True)
class Line:
    """A line through `points`, as SVG has them."""

    points: str
    kind: str


@dataclass(frozen=True)
class Words:
    """Words with their place on the baseline, turned by degrees around it."""

    x: float
    y: float
    text: str
    kind: str
    hint: str
    turn: int

    @property
    def right(self) -> float:
        """Where they end, as far as one can know without the font."""
        kinds = self.kind.split()
        size = next((kind for kind in kinds if kind in _SIZES), "label")
        share = next((_ENDS[kind] for kind in kinds if kind in _ENDS), 1.0)
        return self.x + extent(self.text, size) * share * math.cos(math.radians(self.turn))


@dataclass
class Picture:
    """What is drawn, and the words for those who do not see it.

    Attributes
    ----------
    title, summary:
        What it shows, and what is to be seen in it.
    """

    title: str
    summary: str
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, hint: str = ""
    ) -> None:
        """Add a rectangle."""
        self.boxes.append(Box(_px(x), _px(y), _px(width), _px(height), kind, hint))

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Add a line; a single point is a dot."""
        if points:
            ends = points if len(points) > 1 else [*points, *points]
            self.lines.append(Line(" ".join(f"{_px(x)},{_px(y)}" for x, y in ends), kind))

    def write(
        self, x: float, y: float, text: str, kind: str, hint: str = "", turn: int = 0
    ) -> None:
        """Add words."""
        if text:
            self.words.append(Words(_px(x), _px(y), text, kind, hint, turn))

    def panels(
        self, names: Sequence[str], across: int, width: float, height: float
    ) -> Iterator[tuple[str, float, float]]:
        """Write the title, and the name of each panel; where the panel begins, under its name."""
        y = float(MARGIN)
        for text in textwrap.wrap(self.title, int(max(width, WIDTH / 2) / 10)):
            self.write(MARGIN, y + 14, text, "title")
            y += LINE
        for place, name in enumerate(names):
            left = MARGIN + place % across * (width + GAP)
            above = y + 12 + place // across * (height + GAP)
            words = short(name, max(8, int(width / 9)))
            self.write(left, above + 12, words, "name", name if words != name else "")
            yield name, left, above + (LINE if any(names) else 0)

    @property
    def bottom(self) -> float:
        """Where all that is drawn ends."""
        boxes = (box.y + box.height for box in self.boxes)
        return max([0.0, *boxes, *(words.y for words in self.words)])

    def file(self) -> bytes:
        """As an .svg file; the same numbers give the same bytes."""
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{self._svg(style())}'.encode()

    def inline(self) -> Markup:
        """As an element of an HTML page that has `style()` in its style sheet."""
        from markupsafe import Markup

        return Markup(self._svg(""))

    def _svg(self, css: str) -> str:
        from markupsafe import Markup

        boxes = (box.x + box.width for box in self.boxes)
        right = max([0.0, *boxes, *(words.right for words in self.words)])
        width, height = (math.ceil(end) + MARGIN for end in (right, self.bottom))
        svg = _template().render(vars(self), width=width, height=height, style=Markup(css))
        return _UNWRITABLE.sub("\ufffd", svg)


def style() -> str:
    """Colours and sizes, as CSS; all of it concerns elements inside `.picture` alone."""
    return _part(STYLE)


def share(panels: int) -> float:
    """The width that each of so many panels side by side may have."""
    return (WIDTH - 2 * MARGIN + GAP) / panels - GAP


def short(name: str, most: int = _LONG) -> str:
    """A name, cut where it is too long."""
    return name if len(name) <= most else name[: most - 1] + "…"


def extent(text: str, size: str) -> float:
    """How wide words may be, in pixels; `size` is a kind of the style sheet that has one."""
    return _SIZES[size] * sum(map(_width, text))


def _width(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF" or char in "mw%@—…":
        return _WIDE
    if char.isupper():
        return _WIDE if char in "MW" else _CAPITAL
    return _USUAL


def _px(value: float) -> float:
    """To a tenth; whole ones without a point."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_part(TEMPLATE))


def _part(name: str) -> str:
    return files("qa_parallel.pictures").joinpath(name).read_text("utf-8")
