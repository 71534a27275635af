"""`qa-parallel run` on every recipe, with stand-ins for what would have to be downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from qa_parallel import store
from qa_parallel.cli import main
from qa_parallel.languages import LANGUAGES
from qa_parallel.stages.plan import open_plan
from tests.tiny_models import build_nllb

RECIPES = Path(__file__).parents[2] / "recipes"


def squad(path: Path) -> Path:
    """Four rows in the layout of rajpurkar/squad."""
    rows = [
        {
            "id": f"s{number}",
            "title": "Cats",
            "context": "The cat sat on the mat. A dog ran.",
            "question": f"Where did cat {number} sit?",
            "answers": {"text": ["on the mat"], "answer_start": [12]},
        }
        for number in range(4)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def worldly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model that knows every language of NLLB-200."""
    return build_nllb(tmp_path_factory.mktemp("models") / "worldly", sorted(LANGUAGES))


def invoke(recipe: Path, tmp_path: Path) -> tuple[str, Path]:
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["run", str(recipe), "--out", str(out)], env={"QA_PARALLEL_CACHE": str(tmp_path)}
    )
    assert result.exit_code == 0, result.output
    return result.output, out


@pytest.mark.parametrize("name", ["squad-11-languages", "africa-low-resource"])
def test_a_large_recipe_with_stand_ins(name: str, worldly: Path, tmp_path: Path) -> None:
    text = (RECIPES / f"{name}.toml").read_text()
    local = tmp_path / f"{name}.toml"
    local.write_text(
        text.replace("rajpurkar/squad", str(squad(tmp_path / "squad.jsonl"))).replace(
            "facebook/nllb-200-distilled-600M", str(worldly)
        )
    )
    assert local.read_text().count(str(tmp_path.parent)) == 2
    _, out = invoke(local, tmp_path)
    out /= "translated"
    manifest = store.read_json(out / "manifest.json")
    wanted = manifest["translate"]["to"]
    assert len(wanted) >= 8
    assert list(manifest["languages"]) == ["eng_Latn", *wanted]
    for code in wanted:
        frame = pl.read_parquet(out / "data" / code / "*.parquet")
        assert frame["qa_id"].to_list() == [f"s{number}" for number in range(4)]
        assert frame["translated_from"].unique().to_list() == ["eng_Latn"]


def test_the_quickstart_in_small(tmp_path: Path) -> None:
    text = (RECIPES / "quickstart.toml").read_text()
    questions = RECIPES / "quickstart" / "questions.jsonl"
    local = tmp_path / "quickstart.toml"
    local.write_text(
        text.replace("quickstart/questions.jsonl", str(questions))
        .replace("[source]", "[source]\nlimit = 6")
        .replace("batch_size = 16", "batch_size = 2\nvalidation = 0")
        .replace("quickstart/eval", str(RECIPES / "quickstart" / "eval"))
    )
    output, out = invoke(local, tmp_path)
    assert "for demonstration only" in output
    assert "load_dataset" in output
    plan = open_plan(out / "batches")
    assert len(plan) == 15  # 6 questions in 5 languages
    assert {len(set(batch.passage_ids)) for batch in plan} == {2}
    out /= "checked"
    english = pl.read_parquet(out / "data" / "eng_Latn" / "*.parquet")
    french = pl.read_parquet(out / "data" / "fra_Latn" / "*.parquet")
    assert english.height == french.height == 6
    assert english["answer_start"].is_not_null().all()
    # French it is: the words that hold any French text together
    words = " ".join(french["passage"].to_list()).lower().split()
    assert len({"le", "la", "les", "un", "une", "de", "est", "dans", "à"} & set(words)) >= 4
    # something of every answer is found where it should be
    assert french["answer_start"].is_not_null().any()
    assert "quickstart-eval (eval@" in output
    results = pl.read_parquet(out.parent / "evaluated" / "results.parquet")
    found = results.filter(pl.col("query_language").is_null(), measure="map")
    assert found["setting"].to_list() == ["monolingual", "cross-lingual", "multilingual"]
    # far from chance, which is below 0.1: the encoder half of a translator knows some sentences
    assert found["value"][0] > 0.5
    assert (out.parent / "evaluated" / "pictures" / "quickstart-eval-map.svg").is_file()


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(tmp_path / "no.toml")])
    assert result.exit_code == 2
    assert "expected a recipe, found no file" in result.output
