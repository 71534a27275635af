"""Settings parsed at the edge: keywords, options and recipes as frozen typed objects."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from qa_parallel.errors import QAParallelError, RecipeError, SettingError

T = TypeVar("T", bound=BaseModel)
# Settings classes, each with names of keywords that differ from its fields' own.
Kinds = Mapping[type[BaseModel], Mapping[str, str]]


def _text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


# The name of a place in settings: text, or a path, which is kept as text.
Named = Annotated[str, BeforeValidator(_text)]


def sort_out(
    verb: str, given: Mapping[str, Any], kinds: Kinds
) -> dict[type[BaseModel], dict[str, Any]]:
    """Which of the keywords `given` belong to which settings; None is as good as not given.

    Parameters
    ----------
    kinds:
        Settings classes, each with names that differ from its fields' own: {"revision":
        "model_revision"}. A field may be of several classes ("device").

    Raises
    ------
    SettingError
        A keyword that none of them has; the nearest is named.

    Examples
    --------
    >>> class Oven(BaseModel):
    ...     heat: int = 180
    >>> sort_out("bake", {"heet": 200}, {Oven: {}})
    Traceback (most recent call last):
    qa_parallel.errors.SettingError: bake: unknown setting 'heet'; did you mean 'heat'?
    """
    fields = {
        kind: {names.get(field, field): field for field in kind.model_fields}
        for kind, names in kinds.items()
    }
    known = {name for mine in fields.values() for name in mine}
    for name in given:
        if name not in known:
            raise SettingError(f"{verb}: unknown setting {name!r}", _hint(name, sorted(known)))
    return {
        kind: {
            field: given[name] for name, field in mine.items() if given.get(name) not in (None, {})
        }
        for kind, mine in fields.items()
    }


def parse(kind: type[T], values: dict[str, Any], what: str) -> T:
    """`values` as frozen settings; the first mistake becomes one clear line.

    Raises
    ------
    RecipeError
        An unknown key or a wrong value. Errors of ours (a language unknown …) pass as they are.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, QAParallelError):
            raise cause from None
        place = [str(part) for part in first["loc"]]
        where = f"{what}, [{'.'.join(place[:-1])}]" if len(place) > 1 else what
        key = place[-1] if place else ""
        if first["type"] == "extra_forbidden":
            raise RecipeError(f"{where}: unknown key {key!r}", _nearest(kind, place)) from None
        if first["type"] == "missing":
            raise RecipeError(f"{where}: expected a key {key!r}, found none") from None
        found = repr(first["input"])
        raise RecipeError(f"{where}: {'.'.join(place)} = {found}: {first['msg'].lower()}") from None


def _nearest(kind: type[BaseModel], place: list[str]) -> str:
    for part in place[:-1]:
        field = _fields(kind).get(part)
        # What may be left out is "Settings | None".
        choices = get_args(field.annotation) or (field.annotation,) if field else ()
        inner = [one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)]
        if not inner:
            break
        kind = inner[0]
    return _hint(place[-1], list(_fields(kind)))


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"


def _fields(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of settings, by the names that a recipe calls them."""
    return {field.alias or name: field for name, field in kind.model_fields.items()}
