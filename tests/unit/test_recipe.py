"""Recipes: what is parsed, and what is refused in one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.errors import LanguageError, QAParallelError, RecipeError
from qa_parallel.recipe import load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
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
