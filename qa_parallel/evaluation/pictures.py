"""Heat maps of RESULTS: who finds what, and which languages come first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from qa_parallel.evaluation.measures import MAP, SHARE
from qa_parallel.pictures import Picture, heat_maps


def draw(systems: Mapping[str, pl.DataFrame]) -> dict[str, Picture]:
    """Of each set and measure one picture, all systems side by side, by the name of its file.

    Parameters
    ----------
    systems:
        Name → its RESULTS, or rows with the same columns. With one system its name is not shown.
    """
    datasets = dict.fromkeys(name for frame in systems.values() for name in frame["dataset"])
    made = {}
    for dataset in datasets:
        rows = {name: frame.filter(dataset=dataset).to_dicts() for name, frame in systems.items()}
        for measure, picture in language_maps(dataset, rows).items():
            made[f"{dataset}-{measure.partition('@')[0]}.svg"] = picture
    return made


def language_maps(
    dataset: str, systems: Mapping[str, Iterable[Mapping[str, Any]]]
) -> dict[str, Picture]:
    """By measure a picture of what was found by query and candidate language.

    A measure that was not taken across languages has none.

    Parameters
    ----------
    systems:
        Rows of RESULTS of `dataset` by the name of what was evaluated. With one its name is not
        shown.
    """
    made = {}
    for measure in (MAP, SHARE):
        values = {name: _by_languages(rows, measure.name) for name, rows in systems.items()}
        pairs = dict.fromkeys(pair for mine in values.values() for pair in mine)
        if all(query == candidate for query, candidate in pairs):
            continue
        asked, found = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
        made[measure.name] = heat_maps(
            {
                name if len(systems) > 1 else "": [
                    [mine.get((query, candidate)) for candidate in found] for query in asked
                ]
                for name, mine in values.items()
            },
            asked,
            found,
            title=f"{dataset}: {measure.label}",
            row_label="query",
            column_label="candidate",
            number=measure.cell,
        )
    return made


def _by_languages(
    rows: Iterable[Mapping[str, Any]], measure: str
) -> dict[tuple[str, str], float | None]:
    return {
        (row["query_language"], row["candidate_language"]): row["value"]
        for row in rows
        if row["measure"] == measure
        and row["query_language"] is not None
        and row["candidate_language"] is not None
    }
