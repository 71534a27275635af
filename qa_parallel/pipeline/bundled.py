"""The recipes that come along: found by name, listed, copied with their data."""

from __future__ import annotations

import difflib
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import qa_parallel
from qa_parallel.errors import RecipeError
from qa_parallel.places import Place

# In an installed package they lie inside it; in a clone, where people look for them.
_PACKAGE = Path(qa_parallel.__file__).parent
_PLACES = (_PACKAGE / "recipes", _PACKAGE.parent / "recipes")
_FIRST = ("quickstart", "own-faq")


@dataclass(frozen=True)
class Bundled:
    """A recipe that comes along; its data lie beside it, in a folder of its name."""

    name: str
    description: str
    path: Path


def recipes() -> Iterator[Bundled]:
    """All of them, those that are for a first look first."""
    found = next((place for place in _PLACES if (place / "quickstart.toml").is_file()), None)
    paths = [] if found is None else found.glob("*.toml")
    order = {name: place for place, name in enumerate(_FIRST)}
    for path in sorted(paths, key=lambda path: (order.get(path.stem, len(order)), path.stem)):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        yield Bundled(path.stem, str(values.get("description", "")), path)


def find_recipe(given: str) -> Path:
    """The file of a recipe, which may be called by its name if it comes along.

    A file that is there is that file, whatever it is called.

    Raises
    ------
    RecipeError
        Neither a file nor a name that is known.
    """
    place = Place.of(given)
    if place.path.suffix or len(place.path.parts) > 1 or place.is_file:
        return place.path
    return _named(given).path


def copy_recipe(name: str, to: Path) -> Path:
    """Copy a recipe and its data into the folder `to`, or as the file `to` ending in .toml.

    Raises
    ------
    RecipeError
        There is no such recipe; a file is there already, or cannot be written.
    """
    found = _named(name)
    target = to if to.suffix == ".toml" else to / found.path.name
    data = found.path.with_suffix("")
    for path in (target, *([target.parent / data.name] if data.is_dir() else [])):
        if path.exists():
            raise RecipeError(f"expected no {path} yet, found one", "choose another place")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found.path, target)
        if data.is_dir():
            shutil.copytree(data, target.parent / data.name)
    except OSError as error:
        raise RecipeError(f"cannot copy {found.path.name} to {target}: {error.strerror}") from None
    return target


def _named(name: str) -> Bundled:
    known = {one.name: one for one in recipes()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"recipes: {', '.join(known)}"
        raise RecipeError(f"expected a recipe, found no file {name} and none of that name", hint)
    return known[name]
