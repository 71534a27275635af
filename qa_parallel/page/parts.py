"""Parts of the page that several sections share: languages, heat maps, durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_parallel.language_codes import LANGUAGES

STEPS = 10  # shades of a heat map
# Rows or columns beyond which a heat map is shown as a picture.
MOST = 40


@dataclass(frozen=True)
class Tongue:
    """A language as the page writes it: `tag` and `direction` are those of HTML."""

    code: str
    name: str
    tag: str
    direction: str
    script: str


def tongue(code: str) -> Tongue:
    """The language of an NLLB code; one that is not known is called by its code."""
    known = LANGUAGES.get(code)
    if known is None:
        return Tongue(code, code, "und", "auto", "")
    return Tongue(
        code,
        known.name,
        f"{known.iso639_1 or known.iso639_3}-{known.script}",
        "rtl" if known.right_to_left else "ltr",
        known.script_name,
    )


@dataclass(frozen=True)
class Cell:
    """A number of a heat map and its shade, 0 (lightest) to `STEPS`; None where there is none."""

    text: str
    shade: int | None


@dataclass(frozen=True)
class Heat:
    """A heat map: one list of `cells` a row, one cell a column."""

    title: str
    row_label: str
    column_label: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Cell]]


def heat(
    title: str,
    values: Mapping[tuple[str, str], float],
    rows: Sequence[str],
    columns: Sequence[str],
    labels: tuple[str, str],
    number: str,
    limits: tuple[float, float] | None = None,
) -> Heat:
    """A heat map of `values` by row and column; a pair without a value is left blank.

    Parameters
    ----------
    labels:
        What the rows and the columns are.
    number:
        Format of the numbers, e.g. ".2f".
    limits:
        Values of the lightest and the darkest shade. None = the lowest and the highest there are.
    """
    low, high = limits or (min(values.values(), default=0), max(values.values(), default=1))
    cells = [
        [_cell(values.get((row, column)), number, low, high) for column in columns] for row in rows
    ]
    return Heat(title, *labels, rows, columns, cells)


def _cell(value: float | None, number: str, low: float, high: float) -> Cell:
    if value is None:
        return Cell("", None)
    share = (value - low) / (high - low) if high > low else 0.0
    return Cell(format(value, number), round(STEPS * min(1.0, max(0.0, share))))
