"""What a plan holds, in numbers: who meets whom, how often rows repeat, what could not be met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.batches.planning import Made
from qa_parallel.batches.rows import Array
from qa_parallel.batches.strata import batch_kinds, pairs_there


def describe(made: Made) -> dict[str, Any]:
    """Counts of a plan, for report.json.

    steps, rows, sizes (fewest and most rows of a batch);
    languages: by code the questions there, drawn, left out, mean and most draws of one;
    matrix: rows by question language, then passage language;
    passages: there, drawn, and the fewest, mean and most distinct ones in a batch;
    strata: by kind, corpus and languages the rows there, wanted, drawn, most draws of one;
    left_out: kinds and languages that have rows, but too few to get a batch or a place in one;
    short: batches that hold too few rows, and how many rows are missing;
    negatives: hard negatives in all; None where they are drawn when the plan is read;
    replaced: rows that fitted nowhere, and made room for others of their stratum or unit.
    """
    rows = made.pools.rows
    sizes = np.concatenate([one.sizes for one in made.dealt] or [np.zeros(0, dtype=np.int64)])
    wanted = np.concatenate([one.sizes for one in made.units] or [np.zeros(0, dtype=np.int64)])
    missing = wanted - sizes
    return {
        "steps": len(sizes),
        "rows": int(sizes.sum()),
        "sizes": [int(sizes.min()), int(sizes.max())] if len(sizes) else [],
        "languages": _languages(made),
        "matrix": _matrix(made),
        "passages": _passages(made, rows.group),
        "strata": list(_strata(made)),
        "left_out": list(_left_out(made)),
        "short": {"batches": int((missing > 0).sum()), "rows": int(missing.sum())},
        "negatives": None
        if made.settings.negatives == "sentences"
        else int(made.batches["negatives"].list.len().sum()),
        "replaced": sum(one.replaced for one in made.dealt),
    }


def _languages(made: Made) -> dict[str, dict[str, Any]]:
    rows, pools = made.pools.rows, made.pools
    draws = np.bincount(made.asked, minlength=len(rows))
    found: dict[str, dict[str, Any]] = {}
    for place, code in enumerate(rows.languages):
        questions = np.concatenate(
            [pools.questions[corpus, place] for corpus in range(len(pools.sizes))]
        )
        if not len(questions):
            continue
        mine = draws[rows.of[questions, place]]
        found[code] = {
            "questions": len(mine),
            "drawn": int(mine.sum()),
            "left_out": int((mine == 0).sum()),
            "mean": round(float(mine.mean()), 3),
            "most": int(mine.max()),
        }
    return found


def _matrix(made: Made) -> dict[str, dict[str, int]]:
    counts = made.batches.group_by("question_language", "passage_language").len()
    table: dict[str, dict[str, int]] = {}
    for asked, found, count in counts.sort("question_language", "passage_language").iter_rows():
        table.setdefault(asked, {})[found] = count
    return table


def _passages(made: Made, group: Array) -> dict[str, Any]:
    frame = made.batches.select("step", passage=pl.Series(group[made.asked]))
    batches = frame.group_by("step").agg(pl.col("passage").n_unique())["passage"].to_numpy()
    there = np.zeros(int(group.max()) + 1, dtype=bool)
    for unit in made.units:
        for stratum in unit.strata:
            there[group[made.pools.pairs(stratum)[0]]] = True
    return {
        "there": int(there.sum()),
        "drawn": frame["passage"].n_unique(),
        "a_batch": [int(batches.min()), round(float(batches.mean()), 2), int(batches.max())]
        if len(batches)
        else [],
    }


def _strata(made: Made) -> Iterator[dict[str, Any]]:
    codes = made.pools.rows.languages
    for unit, dealt in zip(made.units, made.dealt, strict=True):
        draws = dealt.draws
        uses = (
            pl.DataFrame({"stratum": draws.stratum, "asked": draws.asked})
            .group_by("stratum", "asked")
            .len()
            .group_by("stratum")
            .agg(drawn=pl.col("len").sum(), most=pl.col("len").max())
        )
        counts = {place: (drawn, most) for place, drawn, most in uses.iter_rows()}
        for place, stratum in enumerate(unit.strata):
            drawn, most = counts.get(place, (0, 0))
            yield {
                "kind": unit.kind.name,
                "corpus": stratum.corpus,
                "question_language": codes[stratum.asked],
                "passage_language": codes[stratum.found],
                "there": int(made.pools.sizes[stratum]),
                "wanted": int(unit.wanted[place]),
                "drawn": int(drawn),
                "most": int(most),
            }


def _left_out(made: Made) -> Iterator[list[str]]:
    codes = made.pools.rows.languages
    drawn = {
        (unit.kind.name, stratum.asked, stratum.found)
        for unit in made.units
        for stratum, wanted in zip(unit.strata, unit.wanted, strict=True)
        if wanted
    }
    for kind in batch_kinds(made.settings):
        for asked, found in pairs_there(made.pools, made.settings, kind):
            if (kind.name, asked, found) not in drawn:
                yield [kind.name, codes[asked], codes[found]]
