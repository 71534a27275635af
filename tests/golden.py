"""Texts as they were once read and found right: tables, cards, figures of the page.

A test writes what it gets on an invented record, whose numbers all differ, and compares. After a
change that is meant, `GOLDEN=write pytest tests/unit/…/test_summary.py` writes the files anew; read
the diff of git for columns that were swapped before it is committed.
"""

from __future__ import annotations

import difflib
import io
import os
import pprint
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from qa_parallel.pictures import Picture

WIDTH = 100


def golden(path: Path, text: str) -> None:
    """Fail with a diff unless `text` is what stands in `path`."""
    text = "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    known = path.read_text("utf-8") if path.exists() else ""
    if text != known:
        was, found = known.splitlines(), text.splitlines()
        diff = "\n".join(difflib.unified_diff(was, found, "as it was", "as it is", lineterm=""))
        pytest.fail(f"{path.name} is not what it was (GOLDEN=write writes it anew):\n{diff}")


def printed(parts: Iterable[RenderableType]) -> str:
    """What a terminal of 100 columns shows."""
    file = io.StringIO()
    console = Console(file=file, width=WIDTH, color_system=None, force_terminal=False)
    for part in parts:
        console.print(part, markup=False, highlight=False)
    return file.getvalue()


def listed(value: Any) -> str:
    """Data as text, an entry a line."""
    return pprint.pformat(_plain(value), width=WIDTH, sort_dicts=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Picture):  # where things are, a reader of a diff cannot judge
        return {
            "": "Picture",
            "title": value.title,
            "summary": value.summary,
            "words": [one.text for one in value.words],
            "boxes": [f"{one.kind} {one.hint}".strip() for one in value.boxes],
        }
    if is_dataclass(value) and not isinstance(value, type):
        inner = {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
        return {"": type(value).__name__, **inner}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def numbers(start: float = 0.1013, step: float = 0.0137) -> Iterator[float]:
    """Different numbers, none of which looks like another when it is rounded."""
    while True:
        yield round(start, 4)
        start += step
