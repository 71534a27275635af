"""Pictures: they are written whole, alike from alike numbers, and hold what they should."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from qa_parallel.errors import StoreError
from qa_parallel.pictures import heat_maps

VALUES: list[list[float | None]] = [[0.8, 0.25], [0.5, None]]


def draw(path: Path, values: list[list[float | None]], **options: str) -> bytes:
    heat_maps({"mAP & more": values}, ["en", "de"], ["en", "$x$ <b>"], path, **options)  # type: ignore[arg-type]
    return path.read_bytes()


def test_svg_shows_names_and_numbers(tmp_path: Path) -> None:
    data = draw(tmp_path / "a.svg", VALUES, row_label="query", column_label="passage")
    assert ElementTree.fromstring(data).tag.endswith("svg")
    # matplotlib leaves the text of every drawn string as a comment, "-" and "<" made safe
    for text in (b"0.800", b"0.250", b"0.500", b"query", b"passage", b"$x$"):
        assert text in data
    assert b"nan" not in data


def test_same_numbers_same_bytes(tmp_path: Path) -> None:
    for name in ("a.svg", "a.png"):
        first = draw(tmp_path / name, VALUES)
        assert draw(tmp_path / f"again-{name}", VALUES) == first
        assert draw(tmp_path / f"other-{name}", [[0.7, 0.25], [0.5, None]]) != first


@pytest.mark.parametrize("values", [[[None, None], [None, None]], [[1.0, 1.0], [1.0, 1.0]]])
def test_nothing_to_tell_apart(tmp_path: Path, values: list[list[float | None]]) -> None:
    assert draw(tmp_path / "flat.png", values).startswith(b"\x89PNG")


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"\.svg or \.png, found a\.gif"):
        draw(tmp_path / "a.gif", VALUES)
