"""What is read, and what it cannot say of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qa_parallel import language_codes
from qa_parallel.errors import SourceError
from qa_parallel.schema import CORPUS, check_split
from qa_parallel.sources.layouts import ALIASES


class SourceSettings(BaseModel):
    """What to read, and how.

    Attributes
    ----------
    source:
        Path of a file or a folder, or a Hub id "org/name".
    source_language:
        Language of the data; anything that `language_codes.parse` understands.
    columns:
        Field → column, where its name is not known by itself: {"question": "Frage"}. A dotted path
        reaches into nested data, {"answer": "answers.text.0"}, and `[*]` takes each item of a list,
        {"question": "turns[*].question"}; "" leaves the field out.
    keep:
        Further columns to carry along into the corpus, as text: "url,category".
    split:
        Split to load from the Hub; of files, the name that their rows get.
    revision:
        Branch, tag or commit of a Hub data set. None: the newest commit of its main branch.
    config:
        Configuration of a Hub data set that has several. None: its only or default one.
    license:
        Licence of the data, for the records. None: what the card on the Hub says, if anything.
    limit:
        Stop after that many rows of the outcome. None: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1)
    source_language: str = "eng_Latn"
    columns: dict[str, str] = {}
    keep: tuple[str, ...] = ()
    split: str = Field(default="train", min_length=1)
    revision: str | None = None
    config: str | None = None
    license: str | None = None
    limit: int | None = Field(default=None, ge=1)

    @field_validator("source_language")
    @classmethod
    def _code(cls, value: str) -> str:
        return language_codes.parse(value)

    @field_validator("split")
    @classmethod
    def _split(cls, value: str) -> str:
        return check_split(value)

    @field_validator("keep", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("keep")
    @classmethod
    def _free(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name in CORPUS:
                raise SourceError(
                    f"keep: expected a column beside the corpus's own, found {name!r}",
                    "a corpus has a column of that name already; rename yours",
                )
        return tuple(dict.fromkeys(name for name in value if name))

    @field_validator("columns")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in ALIASES:
                raise SourceError(f"columns: expected one of {', '.join(ALIASES)}, found {name!r}")
        return value


class EvalSettings(BaseModel):
    """An evaluation set: where it is, and what it cannot say of itself.

    Attributes
    ----------
    name:
        What the set is called in reports and ids.
    path:
        File, folder or Hub id "org/name".
    language:
        Language of the set. None: what the names of its files or folders say, else English.
    split:
        Which queries of a BEIR or MIRACL folder, or which split on the Hub. None: of a folder the
        test set, or the development set, or all there is; on the Hub "test".
    parallel:
        Whether equal ids in several languages mean one question. None: they do where they do not
        merely count, or where the languages have nearly the same ones.
    columns, config, revision:
        As in `SourceSettings`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[\w.-]+$")
    path: str = Field(min_length=1)
    language: str | None = None
    split: str | None = None
    parallel: bool | None = None
    columns: dict[str, str] = {}
    config: str | None = None
    revision: str | None = None

    @field_validator("language")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        return None if value is None else language_codes.parse(value)


def parse_evalset(text: str) -> EvalSettings:
    """The settings from NAME=PATH, after which `?key=value&key=value` may say more.

    Raises
    ------
    SourceError
        Another form, or a key that `EvalSettings` does not have.

    Examples
    --------
    >>> parse_evalset("miracl=miracl-sw?language=sw&split=dev").split
    'dev'
    """
    name, found, path = text.partition("=")
    if not found or not re.fullmatch(r"[\w.-]+", name) or not path:
        raise SourceError(f"expected NAME=PATH, found {text!r}", "for example xquad-r=data/xquad-r")
    options: dict[str, str] = {}
    if "?" in path and not Path(path).exists():
        path, _, query = path.partition("?")
        options = dict(parse_qsl(query))
    known = ("language", "split", "config", "revision", "parallel")
    given: dict[str, Any] = {key: options.pop(key) for key in known if key in options}
    for key in options:
        if key not in ALIASES:
            raise SourceError(
                f"{name}: expected one of {', '.join((*known, *ALIASES))} after ?, found {key!r}"
            )
    try:
        return EvalSettings(name=name, path=path, columns=options, **given)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"{first['loc'][0]}={first['input']}"
        raise SourceError(f"{name}: found {wrong}: {first['msg'].lower()}") from None


def open_places(places: Mapping[str, str]) -> list[EvalSettings]:
    """Evaluation sets by name, as the commands take them: NAME=PATH."""
    return [parse_evalset(f"{name}={path}") for name, path in places.items()]
