"""Options made from settings: name, type, choices and default are those of the field.

    @fields("Decoding", TranslateSettings, beam="Beam size; 1 is greedy.")

gives `--beam INTEGER  Beam size; 1 is greedy.  [default: 4]`. An option that is not given is None,
which the verbs of the API take as not given.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from qa_parallel.places import home

# What a value is called where its type says too little.
METAVARS = {
    "source_language": "LANG",
    "pivot": "LANG",
    "to": "LANG,…",
    "languages": "LANG,…",
    "pairs": "LANG:LANG,…",
    "columns": "FIELD=COLUMN,…",
    "restrict_vocabulary": "auto|PATH",
    "device_index": "N,…",
    "ngrams": "N,…",
    "language_weights": "WEIGHTS",
    "source_weights": "WEIGHTS",
    "source": "SOURCE",
    "repo": "ORG/NAME",
}

Decorator = Callable[[Any], Any]


class _Path(click.Path):
    """A path with the home of the user in place of `~`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = home(value)
        if "\0" in str(path):  # which click would end in a traceback for
            self.fail(f"expected a path, found {str(path)!r}", param, ctx)
        return super().convert(path, param, ctx)


PATH = _Path(path_type=Path)
FILE = _Path(dir_okay=False, path_type=Path)
FOLDER = _Path(file_okay=False, path_type=Path)


class Option(click.Option):
    """An option under a heading."""

    def __init__(self, *args: Any, section: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


def option(section: str, *names: str, **attributes: Any) -> Decorator:
    """`click.option` under a heading."""
    return click.option(*names, cls=Option, section=section, **attributes)


def together(*options: Decorator) -> Decorator:
    """Several options as one decorator, in this order in the help."""

    def add(command: Any) -> Any:
        for one in reversed(options):
            command = one(command)
        return command

    return add


def fields(
    section: str,
    kind: type[BaseModel],
    /,
    **words: str,
) -> Decorator:
    """Options from fields of the settings `kind`, in the order of `words`: field → help.

    Where the default is None, the help says what that means. A field without a default that is not
    an argument of the command must be given.
    """
    return together(*(field(section, kind, name, text) for name, text in words.items()))


def field(
    section: str,
    kind: type[BaseModel],
    name: str,
    words: str,
    *,
    called: str | None = None,
    required: bool = False,
    **attributes: Any,
) -> Decorator:
    """An option from one field, which may be `called` otherwise than the field."""
    info = kind.model_fields[name]
    option_name = called or name
    flag = "--" + option_name.replace("_", "-")
    shape = _shape(info.annotation)
    if shape.get("is_flag") and info.default is not False:
        flag += f"/--no-{flag[2:]}"
    default = _default(info.default, flag)
    return option(
        section,
        flag,
        option_name,
        required=required or info.is_required(),
        default=None,
        help=f"{words}  [default: {default}]" if default else words,
        **{"metavar": METAVARS.get(name), **shape, **attributes},
    )


def _shape(annotation: Any) -> dict[str, Any]:
    """What click is told of a value of that type; None is what is not given."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (one for one in get_args(annotation) if one is not type(None))
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return {"type": click.Choice(get_args(annotation))}
    if annotation is bool:
        return {"is_flag": True}
    if annotation is Path:
        return {"type": PATH}
    if annotation == tuple[Path, ...]:
        return {"type": PATH, "multiple": True}
    if get_origin(annotation) is tuple:
        return {"callback": _several}
    if get_origin(annotation) is dict:
        return {"callback": pairs}
    return {"type": annotation}


def _default(value: Any, flag: str) -> str:
    """A default in words; empty where there is none, or the help says what it means."""
    if value is True:
        return flag.partition("/")[0]
    if value is PydanticUndefined or value is None or value is False or value in ("", (), {}):
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _several(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [part.strip() for part in value.split(",")]


def pairs(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """The callback of an option whose value is name=column,…; "name=" leaves the field out."""
    columns = {}
    for part in (value or "").split(","):
        name, found, column = part.partition("=")
        if part and not (found and name.strip()):
            raise click.BadParameter(f"expected name=column,…, found {part!r}")
        if part:
            columns[name.strip()] = column.strip()
    return columns
