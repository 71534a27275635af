"""What is read, and what it cannot say of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qa_parallel import language_codes
from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.places import Place
from qa_parallel.schema import CORPUS, check_split
from qa_parallel.settings import Named
from qa_parallel.sources.encodings import known_encoding
from qa_parallel.sources.layouts import ALIASES

# Share of judged documents that may be missing from a collection unless more is allowed.
MISSING = 0.02
# The language of a source that is told from its rows.
AUTO = "auto"


class SourceSettings(BaseModel):
    """What to read, and how.

    Attributes
    ----------
    source:
        Path of a file, a folder or an archive, a glob ("data/*.csv"), "-" for standard input, or a
        Hub id "org/name".
    source_language:
        Language of the data; anything that `language_codes.parse` understands, or "auto": what the
        data say, else what they look like. Not given, it is English, but for a corpus of ours,
        whose rows say it.
    columns:
        Field → column, where its name is not known by itself: {"question": "Frage"}. A dotted path
        reaches into nested data, {"answer": "answers.text.0"}, and `[*]` takes each item of a list,
        {"question": "turns[*].question"}; "" leaves the field out.
        Of a table without a line of names, columns are numbered: {"0": "id", "1": "question"}.
    keep:
        Further columns to carry along into the corpus, as text: "url,category".
    encoding:
        Encoding of text files. None: UTF-8, UTF-16 by its mark, or an older one by the look of it.
    split:
        Split to load from the Hub, or of a folder whose files are named train, validation or test;
        and the name that the rows get.
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

    source: Named = Field(min_length=1)
    source_language: str = "eng_Latn"
    columns: dict[str, str] = {}
    keep: tuple[str, ...] = ()
    encoding: str | None = None
    split: str = Field(default="train", min_length=1)
    revision: str | None = None
    config: str | None = None
    license: str | None = None
    limit: int | None = Field(default=None, ge=1)

    @field_validator("source_language")
    @classmethod
    def _code(cls, value: str) -> str:
        return AUTO if value.strip().lower() == AUTO else language_codes.parse(value)

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
        return known_columns(value)

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str | None) -> str | None:
        return None if value is None else known_encoding(value)


def known_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Field → column; of columns that are numbered, 0=id, the number is the column.

    Raises
    ------
    SourceError
        A field that is not known.

    >>> known_columns({"0": "id", "1": "question"})
    {'id': '0', 'question': '1'}
    """
    found = {}
    for name, column in columns.items():
        if name.isdecimal() and column in ALIASES:
            name, column = column, name
        if name not in ALIASES:
            raise SourceError(f"columns: expected one of {', '.join(ALIASES)}, found {name!r}")
        found[name] = column
    return found


def are_numbers(columns: Mapping[str, str]) -> bool:
    """Whether columns are numbered, since a table has no line of names."""
    given = [column for column in columns.values() if column]
    return bool(given) and all(column.isdecimal() for column in given)


class EvalSettings(BaseModel):
    """An evaluation set: where it is, and what it cannot say of itself.

    Attributes
    ----------
    name:
        What the set is called in reports and ids.
    path:
        File, folder or Hub id "org/name".
    language:
        Language of the set, NLLB's or another by its ISO 639-3 code. None: what its rows or the
        names of its files or folders say, English for a lone file that says nothing.
    queries:
        Language of the queries, where it is another one than that of the documents.
    split:
        Which queries of a BEIR or MIRACL folder, or which split on the Hub. None: of a folder the
        test set, or the development set, or all there is; on the Hub "test".
    parallel:
        Whether equal ids in several languages mean one question. None: they do where they do not
        merely count, or where the languages have nearly the same ones.
    columns, encoding, config, revision:
        As in `SourceSettings`.
    missing:
        Which share of the judged documents may be missing from the collection, before the set is
        refused. They count in the denominators all the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[\w.-]+$")
    path: Named = Field(min_length=1)
    language: str | None = None
    queries: str | None = None
    split: str | None = None
    parallel: bool | None = None
    columns: dict[str, str] = {}
    encoding: str | None = None
    config: str | None = None
    revision: str | None = None
    missing: float = Field(default=MISSING, ge=0, le=1)

    @field_validator("columns")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        return known_columns(value)

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str | None) -> str | None:
        return None if value is None else known_encoding(value)

    @field_validator("language", "queries")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        known = value and re.fullmatch(r"[a-z]{3}([-_][A-Z][a-z]{3})?", value)
        try:
            return None if value is None else language_codes.parse(value)
        except LanguageError:
            if known:  # a language that NLLB has not
                return value
            raise


def parse_evalset(text: str) -> EvalSettings:
    """The settings from NAME=PATH, after which `?key=value&key=value` may say more.

    Without a name, the set is called as its file or folder is. What is there as a path is one, "="
    and "?" in it or not.

    Raises
    ------
    SourceError
        A name or a path that is none, or a key that `EvalSettings` does not have.

    Examples
    --------
    >>> parse_evalset("miracl=miracl-sw?language=sw&split=dev").split
    'dev'
    >>> parse_evalset("data/xquad-r?split=test").name
    'xquad-r'
    """
    name, path, query = _parts(text)
    if not re.fullmatch(r"[\w.-]+", name) or not path:
        raise SourceError(
            f"expected PATH or NAME=PATH, found {text!r}", "for example xquad-r=data/xquad-r"
        )
    options = dict(parse_qsl(query))
    known = (
        *("language", "queries", "split", "config", "revision", "parallel", "missing", "encoding"),
    )
    given: dict[str, Any] = {key: options.pop(key) for key in known if key in options}
    for key in options:
        if key not in ALIASES and not key.isdecimal():
            raise SourceError(
                f"{name}: expected one of {', '.join((*known, *ALIASES))} after ?, found {key!r}"
            )
    try:
        return EvalSettings(name=name, path=path, columns=options, **given)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"{first['loc'][0]}={first['input']}"
        raise SourceError(f"{name}: found {wrong}: {first['msg'].lower()}") from None


def _parts(text: str) -> tuple[str, str, str]:
    """Name, path and options."""
    if Place.of(text).exists:
        return _called(text), text, ""
    name, found, path = text.partition("=")
    if found and Place.of(path).exists:
        return name, path, ""
    head, _, query = text.partition("?")
    name, found, path = head.partition("=")
    if not found or Place.of(head).exists:
        return _called(head), head, query
    return name, path, query


def _called(path: str) -> str:
    """What a set is called that has no other name."""
    place = Place.of(path)
    whole = place.path.absolute()
    name = whole.stem if place.is_file else whole.name
    return re.sub(r"[^\w.-]+", "-", name)


def open_places(places: Mapping[str, str]) -> list[EvalSettings]:
    """Evaluation sets by name, as the commands take them: NAME=PATH."""
    return [parse_evalset(f"{name}={path}") for name, path in places.items()]
