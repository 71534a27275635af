"""Which plans are one system, and what it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.errors import TrainingError
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.training.experiment import runs_of
from qa_parallel.training.settings import ExperimentSettings
from tests.small_corpora import corpus_folder, corpus_frame, parallel

CODES = ("eng_Latn", "deu_Latn")


def corpus(out: Path, questions: int) -> Path:
    return corpus_folder(out, corpus_frame(parallel(questions, CODES)))


def plan(source: Path, out: Path, **settings: object) -> Path:
    values = {"positive": "answer", "batch_size": 4, "steps": 2, **settings}
    build_batches([SourceSettings(source=str(source))], BatchSettings.model_validate(values), out)
    return out


def names(*plans: Path, seeds: int = 1) -> list[str]:
    return [run.name for run in runs_of(plans, ExperimentSettings(seeds=seeds))]


def test_what_a_system_is_called(tmp_path: Path) -> None:
    one, other = corpus(tmp_path / "a", 30), corpus(tmp_path / "b", 31)
    half = plan(one, tmp_path / "half")
    again = plan(one, tmp_path / "half-again", seed=1)
    alone = plan(one, tmp_path / "alone", strategy="monolingual")
    assert names(half, alone, again) == ["hybrid-0", "monolingual-0", "hybrid-1"]
    assert names(half, seeds=2) == ["hybrid-0", "hybrid-1"]
    # by the folder, where the strategy does not tell them apart
    quarter = plan(one, tmp_path / "quarter", alpha=0.25)
    assert names(half, alone, quarter, again) == ["half-0", "monolingual-0", "quarter-0", "half-1"]
    elsewhere = plan(other, tmp_path / "elsewhere")
    assert names(half, elsewhere) == ["half-0", "elsewhere-0"]
    for folder in ("deeper/half", "deeper/start"):
        with pytest.raises(TrainingError, match=f"found two systems '{Path(folder).name}'"):
            names(half, plan(other, tmp_path / folder))
