"""Every row of the table of stages against a folder that its stage really left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa_parallel import stages
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.display import printed
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.stage import import_parallel
from qa_parallel.storage import store
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.stage import Stage
from qa_parallel.training.experiment import train_eval
from qa_parallel.training.settings import ExperimentSettings
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.stage import translate
from tests.benchmarks.translate import Silent
from tests.chaos.kill import QUESTIONS
from tests.fake_engine import Reversing
from tests.small_corpora import corpus_folder, corpus_frame, parallel
from tests.small_run import known, small_run
from tests.tiny_models import build_bert

pytest.importorskip("torch")
pytest.importorskip("accelerate")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished folder of every stage, by its name."""
    home = tmp_path_factory.mktemp("stages")
    run = small_run(home / "run")
    settings = TranslateSettings(to=("deu_Latn",), window_rows=4)
    translate(
        SourceSettings(source=str(QUESTIONS), limit=4),
        ModelSettings(model="demo", cache=home / "cache"),
        settings,
        home / "translated",
        Silent(),
        engine=Reversing(settings),
    )
    for code in ("en", "de"):
        row = {"id": "q1", "question": "Who?", "answer": "a", "passage": "It rained."}
        (home / f"{code}.jsonl").write_text(json.dumps(row))
    import_parallel({code: home / f"{code}.jsonl" for code in ("en", "de")}, home / "imported")
    rows = parallel(12, ("eng_Latn", "deu_Latn"))
    corpus = SourceSettings(source=str(corpus_folder(home / "corpus", corpus_frame(rows))))
    build_batches([corpus], BatchSettings(batch_size=4, positive="answer"), home / "plan")
    train_eval(
        [home / "plan"],
        [known(home / "sets")],
        ExperimentSettings(
            encoder=str(build_bert(home / "tiny-bert")), steps=2, cache=home / "cache", samples=100
        ),
        home / "trained",
    )
    return {
        "translate": home / "translated",
        "import": home / "imported",
        "filter": run / "filtered",
        "check-leakage": run / "checked",
        "build-batches": run / "batches",
        "evaluate": run / "evaluated",
        "train": home / "trained" / "runs" / "hybrid-0",
        "train-eval": home / "trained",
    }


@pytest.mark.parametrize("stage", stages.STAGES, ids=lambda stage: stage.name)
def test_a_folder_says_which_stage_made_it(stage: Stage, made: dict[str, Path]) -> None:
    folder = made[stage.name]
    manifest = store.read_json(folder / "manifest.json")
    for told in (manifest, store.read_json(folder / "settings.json")):
        assert told["stage"] == stage.name
        assert isinstance(told[stage.name], dict)
        assert stages.of(told) is stage
    assert manifest["kind"] == stage.makes
    assert all((folder / name).is_file() for name in stage.files)


_WORDS = {
    "translate": "4 questions of questions.jsonl@",
    "import": "Texts in 2 languages, joined by their ids. 1 question, 1 of them in every language.",
    "filter": "36 rows measured, 8 rejected (22 %), each with a reason.",
    "check-leakage": "Compared with known: 2 questions leaked and were dropped.",
    "build-batches": "10 training steps of up to 2 rows, strategy hybrid; 0 validation steps.",
    "evaluate": "Retrieval of vectors.npz@",
    "train": "tiny-bert@",
    "train-eval": "1 training from one start, evaluated and compared.",
}
_BRIEF = {
    "translate": "8 rows in 2 languages",
    "import": "2 rows in 2 languages",
    "filter": "28 rows in 4 languages",
    "check-leakage": "2 questions leaked; 23 rows in 4 languages",
    "build-batches": "10 training steps, 0 validation steps",
    "evaluate": "known: mAP ",
    "train": "2 steps",
    "train-eval": "1 encoder trained and compared",
}
_SUMMARY = {
    "translate": "deu_Latn     4",
    "import": "1 question, 1 of them in all 2 languages",
    "filter": "rejected ones in {folder}/rejected.",
    "check-leakage": "known (known@",
    "build-batches": "The plan is in {folder}, its picture in {folder}/languages.svg.",
    "evaluate": "Results and pictures are in {folder}.",
    "train": "The encoder is in {folder}/encoder.",
    "train-eval": "Encoders are in {folder}/runs/NAME/encoder, pictures in {folder}/pictures.",
}


@pytest.mark.parametrize("stage", stages.STAGES, ids=lambda stage: stage.name)
def test_a_stage_tells_what_it_made(stage: Stage, made: dict[str, Path]) -> None:
    folder = made[stage.name]
    outcome = Outcome(folder, store.read_json(folder / "manifest.json"))
    assert stage.words(outcome.manifest).startswith(_WORDS[stage.name])
    assert stage.brief(outcome).startswith(_BRIEF[stage.name])
    shown = printed(stage.summary(outcome), width=500)
    assert _SUMMARY[stage.name].format(folder=folder) in shown


@pytest.mark.parametrize("stage", stages.STAGES, ids=lambda stage: stage.name)
def test_a_stage_makes_do_with_a_manifest_that_lacks_keys(stage: Stage) -> None:
    assert stage.words({}).endswith(".")


def test_names_and_folders_are_of_one_stage_each() -> None:
    names = [stage.name for stage in stages.STAGES]
    homes = [stage.recipe.folder for stage in stages.STAGES if stage.recipe]
    assert len({*names, *homes}) == len(names) + len(homes)


def test_a_recipe_has_a_table_for_every_stage_that_it_runs() -> None:
    tables = {field.alias or name for name, field in Recipe.model_fields.items()}
    assert {stage.name for stage in stages.STAGES if stage.recipe} <= tables
