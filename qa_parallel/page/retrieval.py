"""Plans, evaluations and comparisons of strategies, in figures and pictures of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_parallel.batches.pictures import language_map
from qa_parallel.evaluation.measures import HEADLINES, SETTINGS, Headline, among
from qa_parallel.evaluation.pictures import language_maps
from qa_parallel.pictures import Picture
from qa_parallel.storage import store

_MOST = 40  # languages; maps of more, for every strategy, are left to the files of the stage


@dataclass(frozen=True)
class Plan:
    """A plan of batches: the counts of its training side, and who meets whom."""

    name: str
    strategy: str
    steps: int
    rows: int
    sizes: Sequence[int]
    validation: int
    picture: Picture


def plan(name: str, report: Mapping[str, Any]) -> Plan:
    """From report.json of `build-batches`."""
    side, batches = report["train"], report["build-batches"]
    return Plan(
        name,
        batches["strategy"],
        side["steps"],
        side["rows"],
        side["sizes"],
        report["validation"]["steps"],
        language_map(report),
    )


@dataclass(frozen=True)
class Evaluation:
    """What an encoder finds in one set.

    Attributes
    ----------
    measures:
        What stands over the columns of `settings`.
    settings:
        Setting → a value a measure, as text.
    pictures:
        By query and candidate language: mAP, and whose candidates come first.
    untrained:
        Languages that the encoder was not trained on, as far as it is known.
    """

    encoder: str
    dataset: str
    source: str
    queries: int
    candidates: int
    languages: int
    untrained: Sequence[str]
    measures: Sequence[str]
    settings: Mapping[str, Sequence[str]]
    pictures: Sequence[Picture]
    signature: str


def evaluations(report: Mapping[str, Any]) -> list[Evaluation]:
    """From results.json of `evaluate`, one entry a set."""
    record = report["encoder"]
    encoder = str(store.portable(record.get("encoder") or record.get("vectors")))
    return [_evaluation(encoder, one, report["results"]) for one in report["sets"]]


def _evaluation(
    encoder: str, described: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
) -> Evaluation:
    mine = [row for row in results if row["dataset"] == described["name"]]
    whole = {
        (row["setting"], row["measure"]): row["value"]
        for row in mine
        if row["query_language"] is None and row["candidate_language"] is None
    }
    measures = among(name for _, name in whole)
    settings = {
        setting: [one.format(whole.get((setting, one.name))) for one in measures]
        for setting in SETTINGS
        if any(one == setting for one, _ in whole)
    }
    return Evaluation(
        encoder, described["name"], store.portable(described["source"]), described["queries"],
        described["candidates"], len(described["languages"]), described.get("untrained", []),
        [one.heading for one in measures], settings,
        list(language_maps(described["name"], {"": mine}).values()),
        described.get("signature", ""),
    )  # fmt: skip


@dataclass(frozen=True)
class Dot:
    """A value and how far it is sure, on a scale from 0 to 100; `text` says it in figures."""

    name: str
    at: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Scale:
    """Dots on one scale.

    Attributes
    ----------
    ends:
        What 0 and 100 stand for, as text.
    zero:
        Where "no difference" is; None where that is not of interest.
    """

    title: str
    ends: tuple[str, str]
    dots: Sequence[Dot]
    zero: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Strategies on one set: their values, their differences, and what they find by language."""

    dataset: str
    values: Sequence[Scale]
    differences: Sequence[Scale]
    pictures: Sequence[Picture]


def comparisons(report: Mapping[str, Any]) -> list[Comparison]:
    """From report.json of `train-eval`, one entry a set."""
    names = list(dict.fromkeys(row["dataset"] for row in report["means"]))
    return [_comparison(name, report) for name in names]


def _comparison(name: str, report: Mapping[str, Any]) -> Comparison:
    mine = [row for row in report["means"] if row["dataset"] == name]
    differences = [row for row in report["differences"] if row["dataset"] == name]
    whole = [
        row for row in mine if row["query_language"] is None and row["candidate_language"] is None
    ]
    values, gaps = [], []
    for one in HEADLINES:
        chosen = [row for row in whole if one.of(row)]
        if chosen:
            values.append(_values(one, chosen))
        pairs = [row for row in differences if one.of(row)]
        if pairs:
            gaps.append(_differences(one, pairs))
    systems = {
        one: [row for row in mine if row["system"] == one]
        for one in dict.fromkeys(row["system"] for row in mine)
    }
    languages = len({row["query_language"] for row in mine})
    return Comparison(
        name,
        values,
        gaps,
        list(language_maps(name, systems).values()) if languages <= _MOST else [],
    )


def _values(headline: Headline, rows: Sequence[Mapping[str, Any]]) -> Scale:
    show = headline.measure.format
    spans = [(row["value"], row["sd"] or 0.0) for row in rows]
    low, high = _ends([value - sd for value, sd in spans] + [value + sd for value, sd in spans])
    dots = [
        Dot(
            row["system"],
            _place(mean, low, high),
            _place(mean - sd, low, high),
            _place(mean + sd, low, high),
            headline.measure.spread(mean, row["sd"]),
        )
        for row, (mean, sd) in zip(rows, spans, strict=True)
    ]
    return Scale(headline.heading, (show(low), show(high)), dots)


def _differences(headline: Headline, rows: Sequence[Mapping[str, Any]]) -> Scale:
    def show(value: float) -> str:
        return headline.measure.format(value, sign=True)

    far = max(max(abs(row["low"]), abs(row["high"])) for row in rows) * 1.1 or 1.0
    dots = [
        Dot(
            f"{row['system']} − {row['baseline']}",
            _place(row["difference"], -far, far),
            _place(row["low"], -far, far),
            _place(row["high"], -far, far),
            f"{show(row['difference'])} ({show(row['low'])} … {show(row['high'])}), "
            f"p {row['p']:.3f}",
        )
        for row in rows
    ]
    return Scale(headline.heading, (show(-far), show(far)), dots, zero=50)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """A little beyond the lowest and the highest."""
    room = 0.08 * (max(values) - min(values)) or 0.05
    return min(values) - room, max(values) + room


def _place(value: float, low: float, high: float) -> float:
    return round(100 * (value - low) / (high - low), 2)
