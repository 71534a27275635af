"""What a card tells: read from the manifests of a corpus and counted in its rows, never by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from qa_parallel.publishing.licences import Party
from qa_parallel.storage.store import portable

# "rajpurkar/squad@7b6d24c440a3…": a dataset on the Hub. A file is "name.jsonl@digest".
_HUB_SOURCE = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
# As the stage that checks for leakage is called.
CHECK = "check-leakage"
_LOGPROBS = ("question_logprob", "answer_logprob", "passage_logprob")


@dataclass
class Counts:
    """What was counted in the rows of one language.

    Attributes
    ----------
    rows, translated:
        All rows, and those that a model wrote.
    answers:
        How many answers stand in their passage, by how they were placed; "none" for the rest of
        those that have a passage.
    logprobs:
        Sum and number of the mean log-probabilities per token, by field.
    flags:
        Rows by flag.
    sources, translators, licenses:
        Rows by what stands in the column of that name.
    """

    rows: int = 0
    translated: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    logprobs: dict[str, tuple[float, int]] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    translators: dict[str, int] = field(default_factory=dict)
    licenses: dict[str, int] = field(default_factory=dict)

    def mean(self, column: str) -> float | None:
        """Mean of a log-probability over the rows that have one; None where no row has."""
        total, rows = self.logprobs.get(column, (0.0, 0))
        return total / rows if rows else None


def count(frames: Iterable[pl.DataFrame]) -> Counts:
    """Count the rows of one language, frame by frame."""
    found = Counts()
    for frame in frames:
        found.rows += frame.height
        found.translated += frame.height - frame["translator"].null_count()
        placed = frame.filter(pl.col("passage").is_not_null() & pl.col("answer").is_not_null())
        _add(found.answers, placed["answer_method"].fill_null("none"))
        _add(found.flags, frame["flags"].explode(keep_nulls=False, empty_as_null=False))
        _add(found.sources, frame["source"])
        _add(found.translators, frame["translator"])
        _add(found.licenses, frame["license"])
        for column in _LOGPROBS:
            total, rows = found.logprobs.get(column, (0.0, 0))
            values = frame[column].drop_nulls().cast(pl.Float64)
            found.logprobs[column] = (total + float(values.sum()), rows + len(values))
    return found


def _add(counts: dict[str, int], values: pl.Series) -> None:
    for value, rows in values.drop_nulls().value_counts(sort=True).iter_rows():
        counts[value] = counts.get(value, 0) + rows


def resolved(lineage: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of every stage, as they were in fact, for the card."""
    told: dict[str, Any] = {}
    for manifest in lineage:
        for name in ("source", "model", manifest["stage"]):
            if name in manifest:
                told[name] = manifest[name]
    told["versions"] = {one["stage"]: one["versions"]["qa-parallel"] for one in lineage}
    cleaned: dict[str, Any] = portable(told)
    return cleaned


def hub_sources(counts: Iterable[Counts]) -> list[str]:
    """Datasets on the Hub that rows come from: "org/name"."""
    names = (_HUB_SOURCE.fullmatch(name) for one in counts for name in one.sources)
    return list(dict.fromkeys(found[1] for found in names if found))


def parties(
    lineage: Sequence[Mapping[str, Any]], counts: Iterable[Counts]
) -> tuple[list[Party], Party | None]:
    """Whose licences count: those of the sources, and that of the model (None: no translation)."""
    first, counts = lineage[0], list(counts)
    known: dict[str, None] = {}
    for one in counts:
        for text in one.licenses:
            known |= dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip())
    declared = first.get("source", {}).get("license")
    if declared:
        known[declared.lower()] = None
    sources = [Party("the source", license) for license in known] or [Party("the source", None)]
    model = first.get("model")
    if model is not None:
        license = model["license"] and model["license"].lower()
        return sources, Party(f"the model {portable(model['name'])}", license)
    translators = [name for one in counts for name in one.translators]
    if translators:
        return sources, Party(f"the model {portable(translators[0])}", None)
    return sources, None


def checks(
    lineage: Iterable[Mapping[str, Any]], elsewhere: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What was checked for leakage, against what, with what result; [] where nothing was.

    Parameters
    ----------
    elsewhere:
        Manifests of checks that only reported, and so are no stage of the corpus.
    """
    manifests = [one for one in lineage if one["stage"] == CHECK]
    return [
        portable({name: one[name] for name in (CHECK, "checked", "found", "corpus")})
        for one in (*manifests, *elsewhere)
    ]


def share(counts: Mapping[str, int], *names: str) -> float | None:
    """Share of `names` in `counts`; None where there is nothing."""
    total = sum(counts.values())
    return sum(counts.get(name, 0) for name in names) / total if total else None
