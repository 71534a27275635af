"""Recipes: what is parsed, and what is refused in one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.errors import LanguageError, QAParallelError, RecipeError
from qa_parallel.pipeline.recipe import load_recipe

RECIPES = Path(__file__).parents[3] / "recipes"
GOOD = """
name = "test"
out = "out/test"
[source]
source = "data/qa.jsonl"
[model]
model = "demo"
[translate]
to = ["no", "zh-TW"]
beam = 2
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "qa.jsonl").write_text("")
    recipe = load_recipe(write(tmp_path, GOOD))
    assert recipe.translate.to == ("nob_Latn", "zho_Hant")
    assert recipe.translate.beam == 2
    assert recipe.source.source == str(tmp_path / "data" / "qa.jsonl")
    assert recipe.out == Path("out/test")


def test_a_hub_id_stays_what_it_is(tmp_path: Path) -> None:
    text = GOOD.replace("data/qa.jsonl", "rajpurkar/squad")
    assert load_recipe(write(tmp_path, text)).source.source == "rajpurkar/squad"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_parse(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert recipe.description


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (("beam = 2", "baem = 2"), RecipeError, "unknown key 'baem'; did you mean 'beam'?"),
        (("[model]", "[modell]"), RecipeError, "unknown key 'modell'; did you mean 'model'?"),
        (
            ("[model]", "[filter.limits]\nlenght = 4\n[model]"),
            RecipeError,
            "[filter.limits]: unknown key 'lenght'; did you mean 'length'?",
        ),
        (
            ("[model]", "[check-leakage]\nsimilarty = 0.4\nagainst.a = 'b'\n[model]"),
            RecipeError,
            "[check-leakage]: unknown key 'similarty'; did you mean 'similarity'?",
        ),
        (("beam = 2", 'beam = "two"'), RecipeError, "translate.beam = 'two'"),
        (("beam = 2", "beam = 0"), RecipeError, "greater than or equal to 1"),
        (('name = "test"', ""), RecipeError, "expected a key 'name', found none"),
        (('to = ["no", "zh-TW"]', "to = []"), LanguageError, "found none"),
        (('to = ["no", "zh-TW"]', "to = [1]"), RecipeError, "expected language codes or names"),
        (("[source]\n", "source = 'a.csv'\n[sauce]\n"), RecipeError, "source"),
        (('"zh-TW"', '"Klingon"'), LanguageError, "Klingon"),
        (("beam = 2", "beam: 2"), RecipeError, "is not TOML"),
        (('to = ["no", "zh-TW"]', ""), RecipeError, "expected a key 'to'"),
    ],
)
def test_mistakes(
    tmp_path: Path, change: tuple[str, str], error: type[QAParallelError], says: str
) -> None:
    with pytest.raises(error) as caught:
        load_recipe(write(tmp_path, GOOD.replace(*change)))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="expected a recipe, found no file"):
        load_recipe(tmp_path / "nothing.toml")
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        load_recipe(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(RecipeError, match="UTF-8"):
        load_recipe(tmp_path / "latin.toml")


def test_training_needs_a_plan(tmp_path: Path) -> None:
    (tmp_path / "eval").mkdir()
    table = '[train-eval]\nencoder = "demo"\nsteps = 5\nsets = { quick = "eval" }\n'
    with pytest.raises(RecipeError, match=r"expected a table \[build-batches\]"):
        load_recipe(write(tmp_path, GOOD + table))
    recipe = load_recipe(write(tmp_path, GOOD + "[build-batches]\n" + table))
    assert recipe.train_eval is not None
    assert recipe.train_eval.experiment().steps == 5
    assert recipe.train_eval.evalsets()[0].path == str(tmp_path / "eval")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("translate.beam=4", ("translate", "beam", 4)),
        ("translate.to=de,fr", ("translate", "to", ("deu_Latn", "fra_Latn"))),
        ('translate.to=["de", "fr"]', ("translate", "to", ("deu_Latn", "fra_Latn"))),
        ("source.revision=v1.0", ("source", "revision", "v1.0")),
        ("source.revision=2024-01-31", ("source", "revision", "2024-01-31")),
        ("source.revision='12'", ("source", "revision", "12")),
        ("source.license = a\nb = 3", ("source", "license", "a\nb = 3")),
        ("source.license=1\nb = 3", ("source", "license", "1\nb = 3")),
        ("translate.guards=false", ("translate", "guards", False)),
    ],
)
def test_another_setting(tmp_path: Path, change: str, found: tuple[str, str, object]) -> None:
    table, key, value = found
    recipe = load_recipe(write(tmp_path, GOOD), [change])
    assert getattr(getattr(recipe, table), key) == value


def test_settings_of_tables_within_tables(tmp_path: Path) -> None:
    changes = ["check-leakage.against.xquad-r=some/where/else", "filter.limits.length=3"]
    changes += ["check-leakage.against.x=y?split=dev", "filter.limits.length=2.5"]
    recipe = load_recipe(write(tmp_path, GOOD), changes)
    assert recipe.check_leakage is not None
    assert recipe.check_leakage.against == {"xquad-r": "some/where/else", "x": "y?split=dev"}
    assert recipe.filter is not None
    assert recipe.filter.limits.length == 2.5
    off = load_recipe(write(tmp_path, GOOD), ["filter.limits.length=off"]).filter
    assert off is not None
    assert off.limits.length is None


def test_a_path_that_is_set_is_not_looked_for_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("")
    recipe = load_recipe(write(tmp_path, GOOD), ["source.source=mine.csv"])
    assert recipe.source.source == "mine.csv"


@pytest.mark.parametrize("change", ["", "beam", "=4", "a b=4", "translate.=4", "x\ny=4", "a.b"])
def test_what_is_no_setting(tmp_path: Path, change: str) -> None:
    with pytest.raises(RecipeError, match=r"expected TABLE\.KEY=VALUE"):
        load_recipe(write(tmp_path, GOOD), [change])


def test_stages_that_make_no_sense(tmp_path: Path) -> None:
    recipe = write(tmp_path, GOOD)
    with pytest.raises(RecipeError, match="min_languages of at most 3"):
        load_recipe(recipe, ["filter.min_languages=4"])
    with pytest.raises(RecipeError, match="in \\[build-batches\\], found swh_Latn"):
        load_recipe(recipe, ["build-batches.languages=no,sw"])
    with pytest.raises(RecipeError, match="found swh_Latn"):
        load_recipe(recipe, ["build-batches.pairs=no:sw"])
    load_recipe(recipe, ["build-batches.pairs=no:en", "filter.min_languages=3"])
