"""Heat maps of RESULTS: who finds what, and which languages come first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from qa_parallel.evaluation.measures import CROSS, MAP, SHARE
from qa_parallel.pictures import heat_maps


def draw(systems: Mapping[str, pl.DataFrame], out: Path, home: str) -> Iterator[str]:
    """Of each set and measure one picture, all systems side by side.

    Parameters
    ----------
    systems:
        Name → its RESULTS, or rows with the same columns. With one system its name is not shown.
    out, home:
        The folder, and the one in it that the pictures go to.

    Yields
    ------
    Names of files, as seen from `out`.
    """
    cells = pl.concat(
        frame.select(
            "dataset", "setting", "query_language", "candidate_language", "measure", "value",
            system=pl.lit(name),
        )
        for name, frame in systems.items()
    ).drop_nulls(["query_language", "candidate_language"])  # fmt: skip
    for dataset in cells["dataset"].unique(maintain_order=True):
        for measure in (MAP, SHARE):
            mine = cells.filter(dataset=dataset, measure=measure.name)
            if mine.is_empty() or (measure is MAP and CROSS not in mine["setting"]):
                continue
            queries, candidates = (
                mine[f"{side}_language"].unique().sort().to_list()
                for side in ("query", "candidate")
            )
            known = {
                (row["system"], row["query_language"], row["candidate_language"]): row["value"]
                for row in mine.iter_rows(named=True)
            }
            whole = f"{dataset}: {measure.label}"
            name = f"{home}/{dataset}-{measure.name.partition('@')[0]}.svg"
            heat_maps(
                {
                    one if len(systems) > 1 else whole: [
                        [known.get((one, query, candidate)) for candidate in candidates]
                        for query in queries
                    ]
                    for one in systems
                },
                queries,
                candidates,
                out / name,
                title=whole if len(systems) > 1 else "",
                row_label="query",
                column_label="candidate",
                number=measure.cell,
            )
            yield name
