"""The model card of an encoder that was trained by a plan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from qa_parallel.evaluation.measures import among, named
from qa_parallel.language_codes import LANGUAGES

_USE = """\
```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/of/this/folder")
questions = model.encode_query(["Where did the mill stand?"])
passages = model.encode_document(["Die Mühle stand am Fluss."])
model.similarity(questions, passages)
```"""


def training_card(report: Mapping[str, Any], results: Mapping[str, Any] | None = None) -> str:
    """README.md of the encoder's folder.

    Parameters
    ----------
    report:
        How it was trained, as in training.json.
    results:
        How it was evaluated, as in results.json. None: not yet.
    """
    parts = [_head(report), f"# {_escape(_title(report))}", _what(report), "## Use", _USE]
    parts += ["## Training", _training(report), "## Settings", _settings(report)]
    if results is not None:
        parts += ["## Results", *_results(results)]
    return "\n\n".join(parts) + "\n"


def _title(report: Mapping[str, Any]) -> str:
    strategy = report["build-batches"]["strategy"]
    return f"{report['encoder'].partition('@')[0]}, trained with {strategy} batches"


def _head(report: Mapping[str, Any]) -> str:
    codes = dict.fromkeys(_iso(code) for code in report["unknown"])
    lines = [
        "---",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        "tags: [sentence-transformers, sentence-similarity, feature-extraction, qa-parallel]",
        f"language: {json.dumps(list(codes))}",
        "---",
    ]
    return "\n".join(lines)


def _iso(code: str) -> str:
    known = LANGUAGES.get(code)
    return (known.iso639_1 if known else None) or code.partition("_")[0]


def _what(report: Mapping[str, Any]) -> str:
    languages = ", ".join(report["unknown"])
    return (
        "A multilingual bi-encoder for questions and passages, fine-tuned from "
        f"{_escape(report['encoder'])} with qa-parallel on {languages}. Vectors are normalised; "
        "their dot product is the score."
    )


def _training(report: Mapping[str, Any]) -> str:
    values = report["validation"]
    rows = {
        "plan": f"{report['plan']['name']}, digest {report['plan']['digest']}",
        "corpora": "; ".join(f"{one['name']}, digest {one['digest']}" for one in report["corpora"]),
        "strategy": report["build-batches"]["strategy"],
        "steps": f"{report['steps']:,}, the best after {report['best']:,}",
        "rows": f"{report['rows']:,}",
        "negatives for each question, mean": f"{report['negatives']:,.1f}",
        "loss, last 20 steps": f"{_mean(report['losses'][-20:]):.4f}",
    }
    if values["best"] is not None:
        measure = named(report["train"]["measure"])
        rows[f"validation, multilingual {measure.label}"] = (
            f"{measure.format(values['start'])} before, {measure.format(values['best'])} at its "
            "best"
        )
    return _table(("", ""), rows.items())


def _settings(report: Mapping[str, Any]) -> str:
    text = json.dumps(
        {"train": report["train"], "build-batches": report["build-batches"]}, indent=2
    )
    return f"```json\n{text}\n```"


def _results(results: Mapping[str, Any]) -> Iterator[str]:
    """A table for each set: the means of each setting."""
    for one in results["sets"]:
        mine = [
            row
            for row in results["results"]
            if row["dataset"] == one["name"] and row["query_language"] is None
        ]
        values = {(row["setting"], row["measure"]): row["value"] for row in mine}
        measures = among(row["measure"] for row in mine)
        rows = []
        for setting in dict.fromkeys(row["setting"] for row in mine):
            cells = (each.format(values.get((setting, each.name))) for each in measures)
            rows.append((setting, *cells))
        yield _table((one["source"], *(each.heading for each in measures)), rows)
        yield f"`{one['signature']}`"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(_escape(str(cell)) for cell in row) + " |" for row in lines)


def _escape(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    for char, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "\\`"), ("\n", " ")):
        text = text.replace(char, safe)
    return text
