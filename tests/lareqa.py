"""Evaluation sets in LAReQA's layout."""

from __future__ import annotations

import json
from pathlib import Path

PASSAGE = "Rain fell. The old mill burned in 1902. Nobody was hurt."
BREAKS = [[0, 10], [11, 39], [40, 56]]


def lareqa(path: Path, questions: dict[str, tuple[str, int]], passage: str = PASSAGE) -> None:
    """A file of LAReQA's layout: id → question, start of the answer."""
    qas = [
        {
            "id": key,
            "question": text,
            "answers": [{"text": passage[start:][:4], "answer_start": start}],
        }
        for key, (text, start) in questions.items()
    ]
    sentences = [passage[start:end] for start, end in BREAKS]
    paragraph = {"context": passage, "qas": qas, "sentence_breaks": BREAKS, "sentences": sentences}
    document = {"data": [{"title": "Mill", "paragraphs": [paragraph]}]}
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def mill(folder: Path) -> Path:
    """Two questions in English and German about one passage."""
    folder.mkdir()
    for code, word in (("en", "mill"), ("de", "Mühle")):
        lareqa(
            folder / f"{code}.json",
            {"5ab1": (f"When did the {word} burn?", 33), "5ab2": (f"Was the {word} dry?", 0)},
            f"Rain fell. The old {word[:4]} burned in 1902. Nobody was hurt.",
        )
    return folder
