"""What users give, as the stages take it: sources, rows, evaluation sets, folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.display import Shown, Silent, console
from qa_parallel.places import home
from qa_parallel.settings import parse
from qa_parallel.sources.rows import write_rows
from qa_parallel.sources.settings import EvalSettings, SourceSettings, parse_evalset
from qa_parallel.storage.cache import cache_folder

if TYPE_CHECKING:
    pass

# A path, a Hub id, a result, or rows in memory.
Source = Any
# Evaluation sets: {"xquad-r": "data/xquad-r"}, "NAME=PATH", a path, or several of these.
Sets = Mapping[str, Any] | Sequence[Any] | str | os.PathLike[str]
Place = str | os.PathLike[str]

# Settings of a source that other stages have no use for: they read corpora first of all.
OF_SOURCES = ("columns", "source_language", "split", "config", "revision", "license", "limit")


@contextmanager
def drawing(shown: Shown) -> Iterator[Any]:
    """Who is told how a translation goes."""
    if not shown:
        yield Silent()
        return
    from qa_parallel.translation.progress import Progress

    progress = Progress(console(stderr=True), shown == "verbose")
    try:
        yield progress
    finally:
        progress.finish()


def path_of(place: Place) -> Path:
    """A path of the user's, with the home in place of `~`."""
    return home(os.fspath(place))


def folder_of(out: Place | None, verb: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"qa-parallel-{verb}-")) if out is None else path_of(out)


def of_sources() -> dict[str, str]:
    return {name: name for name in OF_SOURCES}


def open_source(given: Source, settings: Mapping[str, Any], verb: str) -> SourceSettings:
    if isinstance(given, str | os.PathLike):
        place = os.fspath(given)
    else:
        place = str(write_rows(given, cache_folder(None) / "rows"))
    return parse(SourceSettings, {**settings, "source": place}, verb)


def several(given: Source) -> list[Any]:
    """A thing, or a list or tuple of things; a list of dictionaries is rows, one thing."""
    if not isinstance(given, list | tuple):
        return [given]
    return [given] if given and isinstance(given[0], Mapping) else list(given)


def name_of(place: Place | None) -> str | None:
    return None if place is None else os.fspath(place)


def evalsets(given: Sets) -> list[EvalSettings]:
    if isinstance(given, Mapping):
        return [parse_evalset(f"{name}={os.fspath(place)}") for name, place in given.items()]
    several = [given] if isinstance(given, str | os.PathLike) else given
    return [
        one if isinstance(one, EvalSettings) else parse_evalset(os.fspath(one)) for one in several
    ]


def changes(given: Mapping[str, Any] | Sequence[str]) -> list[str]:
    if not isinstance(given, Mapping):
        return list(given)
    import json

    return [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in given.items()
    ]
