"""The table of stages: what a row that is added to it is known to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from qa_parallel import stages
from qa_parallel.display import printed
from qa_parallel.errors import RecipeError, StoreError
from qa_parallel.page import history
from qa_parallel.page.stage_folders import find
from qa_parallel.pipeline import steps
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.pipeline.run import corpus_of, run
from qa_parallel.pipeline.summary import describe
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import VERSION, Outcome
from qa_parallel.storage.jobs import Job, description
from qa_parallel.storage.stage import Context, RecipeStep, Stage, Tools
from qa_parallel.translation.settings import TranslateSettings
from tests import translated_corpus


class NoiseSettings(BaseModel):
    """Of a stage that was never made."""

    share: float = 0.1
    write: bool = True


class NoisyRecipe(Recipe):
    """A recipe with a table for it."""

    noise: NoiseSettings | None = None


def _prepare(context: Context) -> Job:
    settings: NoiseSettings = context.tables["noise"]
    before = store.read_json(context.input / folders.MANIFEST)

    def make(out: Path) -> dict[str, Any]:
        store.write_bytes(out / "noise.txt", str(settings.share).encode())
        return folders.manifest(described, {}, {})  # which does not list that file

    described = description("noise", 1, settings.model_dump(), read=before["fingerprint"])
    return Job(described, make, input=before)


def _refuse(outcome: Outcome) -> None:
    if outcome.manifest["noise"]["share"] > 0.5:
        raise RecipeError("expected less noise")


def _words(manifest: Mapping[str, Any]) -> str:
    return f"Noise in {manifest['noise']['share']:.0%} of the rows."


NOISE = Stage(
    name="noise",
    title="Add noise",
    makes="corpus",
    words=_words,
    brief=lambda outcome: "noisy",
    summary=lambda outcome: iter(["noise"]),
    files=("noise.txt",),
    recipe=RecipeStep(
        "noised",
        _prepare,
        reads="corpus",
        hands_on=lambda settings: settings.write,
        refuse=_refuse,
    ),
)


@pytest.fixture
def noisy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table with one more row, after the filter."""
    table = list(stages.STAGES)
    table.insert(table.index(stages.FILTER) + 1, NOISE)
    monkeypatch.setattr(stages, "STAGES", tuple(table))


def recipe(out: Path, **more: Any) -> NoisyRecipe:
    given = {
        "name": "noisy", "out": out,
        "source": SourceSettings(source="x.csv"), "translate": TranslateSettings(to=("deu_Latn",)),
    }  # fmt: skip
    return NoisyRecipe.model_validate({**given, **more})


def test_stages_by_their_names_and_manifests() -> None:
    assert stages.named("check-leakage") is stages.CHECK_LEAKAGE
    assert stages.of({"stage": "import"}) is stages.IMPORT
    with pytest.raises(StoreError, match="found 'noise'"):
        stages.named("noise")
    with pytest.raises(StoreError, match="another version"):
        stages.of({"filter": {}})


@pytest.mark.usefixtures("noisy")
def test_a_row_that_is_added_is_a_step_of_recipes(tmp_path: Path) -> None:
    tables: dict[str, dict[str, object]] = {"noise": {}, "filter": {}, "build-batches": {}}
    made = steps.steps(recipe(tmp_path, **tables))
    assert [step.name for step in made] == ["translate", "filter", "noise", "build-batches"]
    assert [step.reads and step.reads.name for step in made] == [
        None,
        "translate",
        "filter",
        "noise",
    ]
    assert made[2].folder == tmp_path / "noised"
    made = steps.steps(recipe(tmp_path, **{**tables, "noise": {"write": False}}))
    assert made[3].reads is not None
    assert made[3].reads.name == "filter"


@pytest.mark.usefixtures("noisy")
def test_a_row_that_is_added_is_run_told_and_on_the_page(tmp_path: Path) -> None:
    translated_corpus.translated(tmp_path / "translated")
    given = recipe(tmp_path, source={"source": str(tmp_path)}, noise={})
    results = list(run(given, Tools(None), "noise"))
    assert [(one.step.name, one.made) for one in results] == [("translate", False), ("noise", True)]
    assert corpus_of(results) == results[1]
    assert "noise      done     noisy" in printed(describe(results))
    found = find(tmp_path, VERSION)
    assert [one.stage.name for one in found] == ["translate", "noise"]
    told = history.history(found)
    assert list(told) == ["translate", "noise"]
    entry = list(history.entries(found, told))[1]
    assert (entry.title, entry.words) == ("Add noise", "Noise in 10% of the rows.")
    (tmp_path / "noised" / "noise.txt").unlink()
    assert "missing" in find(tmp_path, VERSION)[1].problem


@pytest.mark.usefixtures("noisy")
def test_an_outcome_that_its_stage_refuses_stops_the_recipe(tmp_path: Path) -> None:
    translated_corpus.translated(tmp_path / "translated")
    given = recipe(tmp_path, source={"source": str(tmp_path)}, noise={"share": 0.9})
    with pytest.raises(RecipeError, match="less noise"):
        list(run(given, Tools(None), "noise"))
