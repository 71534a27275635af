"""Corpora of a few rows, as frames and as folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.schema import CORPUS, LEAKS
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import CorpusWriter
from tests.tiny_models import SENTENCES


def corpus_frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """CORPUS rows; what is not given is null, and a passage is one sentence that answers."""
    filled = []
    for row in rows:
        whole = {**dict.fromkeys(CORPUS), "flags": [], "passage_id": row["qa_id"], **row}
        if whole["passage"] is not None and "sentence_breaks" not in row:
            whole["sentence_breaks"] = [[0, len(whole["passage"])]]
            whole["answer_sentences"] = [0]
        filled.append(whole)
    return pl.DataFrame(filled, schema=CORPUS)


def corpus_folder(
    folder: Path,
    frame: pl.DataFrame,
    *,
    split: str = "train",
    shard_rows: int = 1000,
    described: Mapping[str, Any] | None = None,
    counts: Mapping[str, Any] | None = None,
) -> Path:
    """The rows as a finished corpus; `described` and `counts` are what a stage says of it."""
    settings = {"made_by": folders.MADE_BY, "version": folders.VERSION, "stage": "import"}
    settings |= described or {}
    languages = frame["language"].unique(maintain_order=True).to_list()
    writer = CorpusWriter(folder, languages, split)
    for code in languages:
        for shard in frame.filter(language=code).iter_slices(shard_rows):
            writer.add(code, shard)
    manifest = {**writer.finish(settings, "A corpus", "Made by a test."), "source_counts": counts}
    store.write_json(folder / folders.SETTINGS, settings)
    store.write_json(folder / folders.MANIFEST, manifest)
    store.remove(folder / folders.WORK)
    return folder


def parallel(
    questions: int, languages: Sequence[str], per_passage: int = 1, prefix: str = "q"
) -> list[dict[str, Any]]:
    """Rows of `questions` in all `languages`, all texts different."""
    return [
        {
            "qa_id": f"{prefix}{number}",
            "passage_id": f"{prefix}-p{number // per_passage}",
            "language": code,
            "question": f"Which {prefix}{number} in {code}?",
            "passage": f"The passage of {prefix}{number} in {code}.",
            "answer": f"{prefix}{number} {code}",
        }
        for code in languages
        for number in range(questions)
    ]


def leaks(*rows: dict[str, Any]) -> pl.DataFrame:
    """LEAKS; what is not given is as in a question that is known word for word."""
    usual = {
        "qa_id": "q1", "passage_id": "p1", "language": "eng_Latn", "field": "question",
        "benchmark": "set", "benchmark_id": "set/1", "benchmark_language": "eng_Latn",
        "kind": "same", "overlap": 1.0, "leaked": True, "text": "Who hid the brass key?",
        "benchmark_text": "who hid the brass key", "evidence": "who hid the brass key",
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=LEAKS)


def titled_evaluation(folder: Path) -> Path:
    """Twelve questions in two languages; sentences with titles in passages of their own."""
    rows = parallel(12, ("eng_Latn", "fra_Latn"), prefix="e")
    for number, row in enumerate(rows):
        row["title"] = SENTENCES[number % len(SENTENCES)]
        first = f"{row['answer']} {SENTENCES[-1 - number % len(SENTENCES)]}"
        row["passage"] = f"{first} {row['question']}"
        row["sentence_breaks"] = [[0, len(first)], [len(first) + 1, len(row["passage"])]]
        row["answer_sentences"] = [0]
    return corpus_folder(folder, corpus_frame(rows))
