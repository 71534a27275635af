"""A recipe: the settings of every stage in one TOML file, parsed once, at the edge."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qa_parallel import extras
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.errors import RecipeError
from qa_parallel.evaluation.settings import EvaluationSettings
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.leakage.settings import CheckSettings
from qa_parallel.places import DEMO, Place
from qa_parallel.settings import parse
from qa_parallel.sources.settings import AUTO, SourceSettings
from qa_parallel.training.settings import TrainEvalSettings
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import ALL, TranslateSettings

T = TypeVar("T", bound=BaseModel)


class Recipe(BaseModel):
    """What `qa-parallel run` does: a table per stage, a folder for the output.

    A stage whose table is missing is left out, but for the translation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    # where the output goes, a folder for each stage; relative to where the command is started
    out: Path
    source: SourceSettings
    model: ModelSettings = ModelSettings()
    translate: TranslateSettings
    filter: FilterSettings | None = None
    check_leakage: CheckSettings | None = Field(default=None, alias="check-leakage")
    build_batches: BatchSettings | None = Field(default=None, alias="build-batches")
    evaluate: EvaluationSettings | None = None
    train_eval: TrainEvalSettings | None = Field(default=None, alias="train-eval")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.train_eval is not None and self.build_batches is None:
            raise RecipeError(
                "expected a table [build-batches] for [train-eval], found none", "add it"
            )
        made = dict.fromkeys((self.source.source_language, *self.translate.to))
        if self.translate.to == (ALL,) or self.source.source_language == AUTO:
            return self  # which languages those are, the model knows, or the source
        if self.filter is not None and self.filter.min_languages > len(made):
            raise RecipeError(
                f"expected filter.min_languages of at most {len(made)}, as many languages as are "
                f"made, found {self.filter.min_languages}",
                "no question could be left",
            )
        batches = self.build_batches
        wanted = [*((batches and batches.languages) or ())]
        wanted += [code for pair in (batches and batches.pairs) or () for code in pair]
        for code in wanted:
            if code not in made:
                raise RecipeError(
                    f"expected languages that are made ({', '.join(made)}) in [build-batches], "
                    f"found {code}",
                    "add it to translate.to, or leave it out",
                )
        return self

    def tables(self) -> dict[str, BaseModel]:
        """The settings of every table, by the name that the recipe has for it."""
        fields = type(self).model_fields.items()
        values = {field.alias or name: getattr(self, name) for name, field in fields}
        return {name: one for name, one in values.items() if isinstance(one, BaseModel)}

    def require(self, stages: Collection[str]) -> None:
        """RecipeError where an evaluation set or an encoder of `stages` is no Hub id and is not
        there, ExtraError where a library that they need is not installed.

        Better now than after a night of translating.
        """
        every = {
            "check-leakage": self.check_leakage,
            "evaluate": self.evaluate,
            "train-eval": self.train_eval,
        }
        tables = {name: table for name, table in every.items() if name in stages}
        for name, table in tables.items():
            for one in () if table is None else table.evalsets():
                _require(one.path, "an evaluation set", f"[{name}] {one.name}")
        filters = {"filter": self.filter} if "filter" in stages else {}
        for name, inner in {**filters, **tables}.items():
            encoder = None if inner is None else inner.encoder
            if encoder is not None and encoder != DEMO:
                _require(encoder, "an encoder", f"[{name}] encoder")
            if encoder is not None:
                extras.require("train", f"[{name}] encoder", *extras.LOADING)
        if tables.get("train-eval") is not None:
            extras.require("train", "[train-eval]", *extras.TRAINING)


def _require(name: str, what: str, where: str) -> None:
    place = Place.of(name)
    if place.kind == "nothing":
        raise RecipeError(f"expected {what} ({where}), found nothing at {place}", "check the path")


def load_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """The recipe in `path`. Relative paths of what it reads are looked for beside it.

    Parameters
    ----------
    changes:
        TABLE.KEY=VALUE, each a setting that is another than in the file. A value is TOML; what is
        not, is text: translate.beam=4, translate.to=de,fr, check-leakage.against.xquad=data/xquad.

    Raises
    ------
    RecipeError
        No such file, no TOML, an unknown key (the nearest known one is named), a wrong value.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"expected a recipe, found no file {path}", "check the path") from None
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RecipeError(f"expected a recipe in UTF-8, found other bytes in {path}") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not TOML: {error}", "recipes are TOML, not YAML") from None
    for table, key in (
        ("source", "source"),
        ("translate", "restrict_vocabulary"),
        ("evaluate", "encoder"),
        ("evaluate", "embeddings"),
        ("train-eval", "encoder"),
        ("filter", "encoder"),
        ("filter", "detector"),
        ("check-leakage", "encoder"),
    ):
        given = values.get(table)
        if isinstance(given, dict) and isinstance(given.get(key), str):
            values[table] = {**given, key: _beside(path, given[key])}
    for table, key in (("check-leakage", "against"), ("evaluate", "sets"), ("train-eval", "sets")):
        given = values.get(table)
        if isinstance(given, dict) and isinstance(given.get(key), dict):
            places = {name: _beside(path, place) for name, place in given[key].items()}
            values[table] = {**given, key: places}
    for change in changes:
        _change(values, change)
    return parse(Recipe, values, f"recipe {path.name}")


def _change(values: dict[str, Any], change: str) -> None:
    """Put a KEY=VALUE into the tables of a recipe."""
    name, found, text = change.partition("=")
    try:
        keys = _keys(tomllib.loads(f"{name} = 0")) if found and "\n" not in name else []
    except tomllib.TOMLDecodeError:
        keys = []
    if not keys:
        raise RecipeError(f"expected TABLE.KEY=VALUE, found {change!r}", "e.g. translate.beam=4")
    table = values
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise RecipeError(f"{name}: expected a table {key!r}, found {table!r}")
    table[keys[-1]] = _value(text.strip())


def _keys(table: Any) -> list[str]:
    """The dotted key of the one value in nested tables."""
    if not isinstance(table, dict):
        return []
    ((key, inner),) = table.items()
    return [key, *_keys(inner)]


def _value(text: str) -> Any:
    """A value in TOML's syntax; text, where it has another one, or would be a date."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"]
    return text if len(parsed) > 1 or isinstance(value, date | time) else value


def _beside(recipe: Path, place: Any) -> Any:
    """`place` beside the recipe, if it is there; else as it is."""
    if not isinstance(place, str) or not place:
        return place
    name, mark, options = place.partition("?")
    beside = recipe.parent / name
    return f"{beside}{mark}{options}" if Place.of(beside).exists else place
