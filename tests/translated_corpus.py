"""Small corpora as the stages leave them, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.schema import CORPUS
from tests.small_corpora import corpus_folder

LANGUAGES = ("eng_Latn", "fra_Latn", "arb_Arab")
# question, answer, and the sentence around it
_TEXTS = (
    ("Where did the miller hide his brass key?", "under a stone", "The key lay under a stone."),
    ("Who painted the harbour in winter?", "a sailor", "It was painted by a sailor."),
    ("When do ferries cross the strait?", "at noon", "Every ferry leaves at noon."),
    ("How many daughters moved to the coast?", "three", "Of the daughters three moved away."),
    ("Which dog barked at our postman?", "the small one", "What barked was the small one."),
    ("Why was that village abandoned?", "for want of water", "All left it for want of water."),
)
QUESTIONS = len(_TEXTS)


def translated(
    folder: Path,
    *,
    license: str | None = "cc-by-4.0",
    model: str = "facebook/nllb-200-distilled-600M",
    model_license: str | None = "cc-by-nc-4.0",
    source: str = "org/questions@" + "a" * 40,
    split: str = "train",
) -> Path:
    """A corpus of three languages, as if `model` had translated `source`; two files a language."""
    described: dict[str, Any] = {
        "stage": "translate",
        "source": {
            "source_language": "eng_Latn", "columns": {}, "split": split, "revision": None,
            "config": None, "license": license, "limit": None, "name": source, "digest": "a" * 40,
        },
        "model": {
            "name": model, "revision": "b" * 40, "digest": "c" * 64, "license": model_license,
        },
        "translate": {"to": list(LANGUAGES[1:]), "beam": 4, "window_rows": 3, "shard_rows": 3},
    }  # fmt: skip
    frame = pl.concat(rows(code, source, license, f"{model}@bbbb") for code in LANGUAGES)
    counts = {"read": QUESTIONS + 1, "kept": QUESTIONS, "unanswerable": 1}
    return corpus_folder(
        folder, frame, split=split, shard_rows=3, described=described, counts=counts
    )


def rows(code: str, source: str, license: str | None, translator: str) -> pl.DataFrame:
    """CORPUS rows of one language; the first answer of a translation stands nowhere."""
    original = code == "eng_Latn"
    made = [
        dict.fromkeys(CORPUS)
        | {
            "qa_id": f"q{number}",
            "passage_id": f"p{number}",
            "language": code,
            "question": question if original else f"{code[:3]} {question}",
            "answer": answer,
            "passage": f"{sentence} Nothing else is known.",
            "answer_start": sentence.index(answer) if original or number else None,
            "answer_method": "source" if original else "exact" if number else None,
            "split": "train",
            "source": source,
            "source_row": str(number),
            "license": license,
            "translated_from": None if original else "eng_Latn",
            "translator": None if original else translator,
            "question_logprob": None if original else -0.5,
            "flags": [] if original or number != 1 else ["answer:copy"],
        }
        for number, (question, answer, sentence) in enumerate(_TEXTS)
    ]
    return pl.DataFrame(made, schema=CORPUS)
