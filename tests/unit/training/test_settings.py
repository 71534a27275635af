"""Every setting of a training, and of the comparison of several, changes what comes out."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.storage import store
from qa_parallel.training.experiment import train_eval
from qa_parallel.training.settings import START, ExperimentSettings, TrainSettings
from qa_parallel.training.stage import train_encoder
from tests.settings_felt import Felt, Outcome, To
from tests.small_corpora import corpus_folder, corpus_frame, parallel, titled_evaluation

pytest.importorskip("torch")
pytest.importorskip("accelerate")

# Of an encoder and how texts are put to it: felt in the losses, and before the first step, in the
# validation.
SEEN = ("losses", "start")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six steps of four rows in two languages, and eight questions that are reserved."""
    home = tmp_path_factory.mktemp("plan")
    rows = corpus_frame(parallel(32, ("eng_Latn", "fra_Latn")))
    corpus_folder(home / "corpus", rows)
    settings = BatchSettings(batch_size=4, steps=6, positive="passage", validation=0.25)
    build_batches([SourceSettings(source=str(home / "corpus"))], settings, home / "plan")
    return home / "plan"


@pytest.fixture(scope="module")
def training(plan: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("trained")
    numbers = itertools.count()

    def run(settings: TrainSettings) -> Outcome:
        out = scratch / str(next(numbers))
        train_encoder(plan, settings, out)
        report = store.read_json(out / "training.json")
        validations = report["validations"]
        return {
            "losses": report["losses"],
            "start": validations[0],
            "validated": [step for step, _ in validations],
            "weights": store.digest(out / "encoder" / "model.safetensors"),
            "steps": report["steps"],
        }

    return Felt(
        TrainSettings,
        run,
        {"encoder": str(tiny_bert), "rate": 1e-2, "device": "cpu", "warmup": 0.5},
        {
            "encoder": To("demo", parts=SEEN),
            "pooling": To("cls", parts=SEEN),
            "query_prefix": To("What is it? ", parts=SEEN),
            "passage_prefix": To("The dog said: ", parts=SEEN),
            "max_length": To(7, parts=SEEN),
            "precision": To("bfloat16", parts=("losses", "weights")),
            "steps": To(5, parts=("steps", "losses")),
            "temperature": To(0.5, parts=("losses",), same=("start",)),
            "direction": To("both", parts=("losses", "weights"), same=("start",)),
            "rate": To(1e-3, parts=("losses", "weights"), same=("start",)),
            "weight_decay": To(0.5, parts=("weights",)),
            "clip": To(0.01, parts=("weights",)),
            "warmup": To(0.0, parts=("weights",)),
            "schedule": To("constant", parts=("weights",)),
            "freeze_embeddings": To(True, parts=("weights",)),
            "dropout": To(False, parts=("losses",), same=("start",)),
            # smaller chunks, each with dice of its own
            "cached": To(3, parts=("losses",)),
            "seed": To(1, parts=("losses",), same=("start",)),
            "validate_every": To(3, parts=("validated",), same=("losses",)),
            "measure": To("map", parts=("start",), same=("losses",)),
            "validation_questions": To(4, parts=("start",), same=("losses",)),
            "patience": To(1, {"rate": 1e-9}, parts=("steps",)),
        },
        {"device": To("auto")},
    )


@pytest.mark.parametrize("field", TrainSettings.model_fields)
def test_every_setting_of_a_training_is_felt(training: Felt, field: str) -> None:
    training.judge(field)


@pytest.fixture(scope="module")
def experiment(plan: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("compared")
    sets = [EvalSettings(name="small", path=str(titled_evaluation(scratch / "small")))]
    numbers = itertools.count()

    def run(settings: ExperimentSettings) -> Outcome:
        out = scratch / str(next(numbers))
        train_eval([plan], sets, settings, out)
        report = store.read_json(out / "report.json")
        means: dict[str, list[Any]] = {"start": [], "hybrid": []}
        for row in report["means"]:
            means[row["system"]].append(row["value"])
        assert settings.cache is not None
        return {
            **means,
            "runs": [run["name"] for run in report["runs"]],
            "losses": [run["loss"] for run in report["runs"]],
            "sure": [(row["low"], row["p"]) for row in report["differences"]],
            "cache": settings.cache.name if any(settings.cache.rglob("*.sqlite")) else None,
        }

    base = {"encoder": str(tiny_bert), "steps": 1, "rate": 1e-2, "warmup": 0, "device": "cpu"}
    return Felt(
        ExperimentSettings,
        run,
        {**base, "cache": scratch / "cache", "samples": 100},
        {
            "seeds": To(2, parts=("runs", "losses")),
            "seed": To(7, parts=("runs", "losses"), same=("start",)),
            "candidates": To("sentence+passage", parts=("start",), same=("losses",)),
            "titles": To(True, parts=("start",), same=("losses",)),
            "cache": To(scratch / "other", parts=("cache",), same=("losses", "start")),
            "samples": To(200, parts=("sure",), same=("losses", "start")),
        },
    )


OWN = [name for name in ExperimentSettings.model_fields if name not in TrainSettings.model_fields]


@pytest.mark.parametrize("field", [*OWN, "seed"])
def test_every_setting_of_a_comparison_is_felt(experiment: Felt, field: str) -> None:
    experiment.judge(field)


def test_two_seeds_are_two_trainings(experiment: Felt) -> None:
    """Of one plan, where nothing but dropout differs."""
    one, other = experiment.outcome({"seeds": 2})["losses"]
    assert one != other
    assert [one] == experiment.outcome({})["losses"]
    assert [other] == experiment.outcome({"seed": 1})["losses"]


@pytest.mark.parametrize("field", TrainSettings.model_fields)
def test_a_comparison_trains_as_it_is_told(training: Felt, field: str) -> None:
    """All that shapes a training reaches it; the seed is that of the run."""
    change = {**training.fields, **training.silent}[field]
    given = ExperimentSettings.model_validate({**change.within, field: change.value})
    found = getattr(given.training(5), field)
    assert found == (5 if field == "seed" else getattr(given, field))


def test_the_encoder_before_its_training_is_read_as_it_is_told() -> None:
    """A trained one knows how from its folder."""
    given = ExperimentSettings(
        encoder="e", pooling="cls", query_prefix="q", passage_prefix="p", max_length=9,
        precision="bfloat16", device="cpu", candidates="sentence+passage", titles=False,
    )  # fmt: skip
    shared = {"precision": "bfloat16", "device": "cpu", "titles": False, "seed": 3,
              "candidates": "sentence+passage"}  # fmt: skip
    reading = {"pooling": "cls", "query_prefix": "q", "passage_prefix": "p", "max_length": 9}
    start, trained = (given.evaluation("e", name, 3).model_dump() for name in (START, "hybrid"))
    for name, value in shared.items():
        assert start[name] == trained[name] == value
    for name, value in reading.items():
        assert (start[name], trained[name]) == (value, None)
    assert (start["strategy"], trained["strategy"]) == (START, "hybrid")
