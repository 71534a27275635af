"""Every setting of a source, and of an evaluation set, changes what is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qa_parallel import hub
from qa_parallel.sources.evalsets import open_evalset
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.sources.source import open_source
from tests.settings_felt import Felt, Outcome, To

HUB = "org/name"


def lines(path: Path, *records: dict[str, Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return str(path)


def old(folder: Path) -> str:
    """A file in an encoding of its time."""
    path = folder / "old.csv"
    path.write_bytes("id,question\na,Café?\n".encode("cp1252"))
    return str(path)


@pytest.fixture(autouse=True)
def on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set whose rows say which configuration, split and commit they are of."""

    def commit(repo: str, revision: str | None) -> tuple[str, str | None]:
        return f"commit of {repo} at {revision}", "cc0-1.0"

    def records(
        repo: str, config: str | None, split: str, commit: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for number in range(3):
            question = f"{repo}, {config}, {split}, {commit}: question {number}?"
            yield f"{split}:{number}", {"id": str(number), "question": question, "answer": "so"}

    monkeypatch.setattr(hub, "dataset_commit", commit)
    monkeypatch.setattr(hub, "dataset_records", records)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("sources")
    records = [
        {"id": f"r{n}", "question": f"Why {n}?", "frage": f"Warum {n}?", "answer": "So."}
        for n in range(4)
    ]
    one, other = lines(scratch / "a.jsonl", *records), lines(scratch / "b.jsonl", *records[1:])

    def run(settings: SourceSettings) -> Outcome:
        opened = open_source(settings)
        rows = pl.concat(opened.frames(2))
        kept = ("language", "split", "license", "question")
        return {
            **{name: rows[name].to_list() for name in kept},
            "rows": rows.height,
            "whole": rows.drop("source", *kept).write_json(),
        }

    there = {"source": HUB}
    return Felt(
        SourceSettings,
        run,
        {"source": one},
        {
            "source": To(other, parts=("question", "rows")),
            "source_language": To("de", parts=("language",), same=("question",)),
            "columns": To({"question": "frage"}, parts=("question",), same=("rows",)),
            "keep": To("frage", parts=("whole",), same=("question",)),
            "encoding": To("cp850", {"source": old(scratch)}, parts=("question",), same=("rows",)),
            "split": To("dev", parts=("split",), same=("question",)),
            "revision": To("v1", there, parts=("question",), same=("split",)),
            "config": To("small", there, parts=("question",), same=("split",)),
            "license": To("mit", parts=("license",), same=("question",)),
            "limit": To(2, parts=("question", "rows")),
        },
    )


@pytest.mark.parametrize("field", SourceSettings.model_fields)
def test_every_setting_of_a_source_is_felt(source: Felt, field: str) -> None:
    source.judge(field)


def test_the_split_of_the_hub_and_its_licence(source: Felt) -> None:
    usual, other = (source.outcome({"source": HUB, "split": name}) for name in ("train", "dev"))
    assert usual["question"] != other["question"]
    assert set(usual["license"]) == {"cc0-1.0"}
    mine = source.outcome({"source": HUB, "license": "mit"})
    assert set(mine["license"]) == {"mit"}


@pytest.fixture(scope="module")
def evalset(tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("sets")
    for name in ("one", "other"):
        for code in ("en", "de"):
            records = [
                {"id": n, "question": f"{code} {name} {n}?", "frage": f"{n}!", "context": f"{n}."}
                for n in range(3 if code == "en" else 1)
            ]
            lines(scratch / name / f"{code}.jsonl", *records)
    beir = scratch / "beir"
    lines(beir / "corpus.jsonl", *({"_id": f"d{n}", "text": f"Text {n}."} for n in range(4)))
    lines(beir / "queries.jsonl", *({"_id": f"q{n}", "text": f"Query {n}?"} for n in range(4)))
    for split, number in (("test", 1), ("dev", 2)):
        path = beir / "qrels" / f"{split}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"query-id\tcorpus-id\tscore\nq{number}\td{number}\t1\n")
    file = lines(scratch / "questions.jsonl", {"id": "a", "question": "Why?", "context": "So."})

    def run(settings: EvalSettings) -> Outcome:
        found = open_evalset(settings)
        return {
            "ids": found.queries["query_id"].to_list(),
            "questions": found.queries["question"].to_list(),
            "languages": found.languages,
            "joined": found.queries["qa_id"].n_unique() < found.queries.height,
        }

    there = {"path": HUB}
    return Felt(
        EvalSettings,
        run,
        {"name": "set", "path": str(scratch / "one")},
        {
            "name": To("other", parts=("ids",), same=("questions",)),
            "path": To(str(scratch / "other"), parts=("questions",)),
            "language": To("fr", {"path": file}, parts=("languages",), same=("questions",)),
            "split": To("dev", {"path": str(beir)}, parts=("questions",)),
            "parallel": To(True, parts=("joined",), same=("questions",)),
            "columns": To({"question": "frage"}, parts=("questions",)),
            "queries": To("fr", {"path": file, "language": "de"}, parts=("languages",)),
            "encoding": To("cp850", {"path": old(scratch)}, parts=("questions",)),
            "config": To("small", there, parts=("questions",)),
            "revision": To("v1", there, parts=("questions",)),
        },
        elsewhere={
            "missing": "tests/unit/evaluation/test_ranking.py::test_a_collection_with_a_hole"
        },
    )


@pytest.mark.parametrize("field", EvalSettings.model_fields)
def test_every_setting_of_an_evaluation_set_is_felt(evalset: Felt, field: str) -> None:
    evalset.judge(field)


def test_the_split_of_an_evaluation_set_on_the_hub(evalset: Felt) -> None:
    usual, other = (evalset.outcome({"path": HUB, "split": name}) for name in (None, "dev"))
    assert usual["questions"] != other["questions"]
