"""Every setting of a plan gives another plan."""

from __future__ import annotations

import itertools

import polars as pl
import pytest

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.sources.settings import SourceSettings
from tests.settings_felt import Felt, Outcome, To
from tests.small_corpora import corpus_folder, corpus_frame, parallel

CODES = ("eng_Latn", "deu_Latn", "fra_Latn")


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Felt:
    """Two corpora: one of few rows, one of many, of which fewer are in French."""
    scratch = tmp_path_factory.mktemp("plans")
    sources = []
    for name, questions in (("few", 24), ("many", 60)):
        rows = parallel(questions, CODES, prefix=name)
        for row in rows:
            middle = f"{row['answer']}, as all know."
            row["passage"] = f"{row['passage']} {middle} So much of {row['qa_id']}."
            start = row["passage"].index(middle)
            ends = [0, start - 1, start, start + len(middle), start + len(middle) + 1]
            row["sentence_breaks"] = [ends[:2], ends[2:4], [ends[4], len(row["passage"])]]
            row["answer_sentences"] = [1]
        fewer = [row for n, row in enumerate(rows) if row["language"] != "fra_Latn" or n % 3]
        folder = corpus_folder(scratch / name, corpus_frame(fewer))
        sources.append(SourceSettings(source=str(folder)))
    numbers = itertools.count()

    def run(settings: BatchSettings) -> Outcome:
        out = scratch / str(next(numbers))
        build_batches(sources, settings, out)
        train, reserved = (
            pl.concat([pl.read_parquet(path) for path in sorted(out.glob(f"data/{side}-*"))])
            for side in ("train", "validation")
        )
        exported = sorted((out / "sentence-transformers").glob("*.parquet"))
        return {
            "plan": train.write_json(),
            "rows": train.height,
            "steps": train["step"].n_unique(),
            "reserved": reserved["qa_id"].n_unique(),
            "exported": [pl.read_parquet(path).write_json() for path in exported],
        }

    plan = ("plan",)
    return Felt(
        BatchSettings,
        run,
        {"batch_size": 6, "steps": 8, "validation": 0.2},
        {
            "strategy": To("mixed", parts=plan, same=("rows", "reserved")),
            "alpha": To(0.9, parts=plan, same=("rows", "reserved")),
            "batch_size": To(4, parts=("plan", "rows")),
            "steps": To(5, parts=("plan", "steps")),
            "epochs": To(2.0, {"steps": None}, parts=("plan", "steps")),
            "language_weights": To("size:3", {"steps": 40}, parts=plan, same=("rows",)),
            "source_weights": To("uniform", parts=plan, same=("rows", "reserved")),
            "languages": To(("eng_Latn", "deu_Latn"), parts=plan, same=("rows",)),
            "pairs": To((("eng_Latn", "deu_Latn"),), {"strategy": "cross-lingual"}, parts=plan),
            "seed": To(1, parts=plan, same=("rows", "reserved")),
            "validation": To(0.4, parts=("plan", "reserved")),
            "positive": To("passage", {"export": "sentence-transformers"}, parts=("exported",)),
            "negatives": To("bm25", parts=plan, same=("rows", "reserved")),
            "negatives_per_row": To(2, {"negatives": "bm25"}, parts=plan),
            "export": To("sentence-transformers", parts=("exported",), same=plan),
        },
    )


@pytest.mark.parametrize("field", BatchSettings.model_fields)
def test_every_setting_is_felt(batches: Felt, field: str) -> None:
    batches.judge(field)


def test_sentences_as_negatives_are_felt(batches: Felt) -> None:
    """Of the passage of the positive, one for each row, or two."""
    exported = {"export": "sentence-transformers", "batch_size": 4}
    found = [
        batches.outcome({**exported, "negatives": kind, "negatives_per_row": count})["exported"]
        for kind, count in (("none", 1), ("sentences", 1), ("sentences", 2))
    ]
    assert found[0] != found[1] != found[2]
