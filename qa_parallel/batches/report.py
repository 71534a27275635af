"""What a plan holds, in numbers: who meets whom, how often rows repeat, what could not be met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.batches.planning import BatchPlan
from qa_parallel.batches.strata import batch_kinds, pairs_there
from qa_parallel.components import Array


def describe(plan: BatchPlan) -> dict[str, Any]:
    """Counts of a plan, for report.json.

    steps, rows, sizes (fewest and most rows of a batch);
    languages: by code the questions there, drawn, left out, mean and most draws of one;
    matrix: rows by question language, then passage language;
    passages: there, drawn, and the fewest, mean and most distinct ones in a batch;
    strata: by kind, corpus and languages the rows there, wanted, drawn, most draws of one;
    too_small: languages that cannot fill a batch of their own and were left out, with how many
    distinct texts they have;
    left_out: kinds and languages that have rows, but too few to get a batch or a place in one;
    short: batches that hold too few rows, and how many rows are missing;
    negatives: hard negatives in all; None where they are drawn when the plan is read;
    replaced: rows that fitted nowhere, and made room for others of their stratum or unit.
    """
    rows = plan.pools.rows
    sizes = np.concatenate([one.sizes for one in plan.filled] or [np.zeros(0, dtype=np.int64)])
    wanted = np.concatenate([one.sizes for one in plan.units] or [np.zeros(0, dtype=np.int64)])
    missing = wanted - sizes
    return {
        "steps": len(sizes),
        "rows": int(sizes.sum()),
        "sizes": [int(sizes.min()), int(sizes.max())] if len(sizes) else [],
        "languages": _languages(plan),
        "matrix": _matrix(plan),
        "passages": _passages(plan, rows.group),
        "strata": list(_strata(plan)),
        "too_small": plan.too_small,
        "left_out": list(_left_out(plan)),
        "short": {"batches": int((missing > 0).sum()), "rows": int(missing.sum())},
        "negatives": None
        if plan.settings.negatives == "sentences"
        else int(plan.batches["negatives"].list.len().sum()),
        "replaced": sum(one.replaced for one in plan.filled),
    }


def _languages(plan: BatchPlan) -> dict[str, dict[str, Any]]:
    rows, pools = plan.pools.rows, plan.pools
    times = np.bincount(plan.question_rows, minlength=len(rows))
    found: dict[str, dict[str, Any]] = {}
    for place, code in enumerate(rows.languages):
        questions = np.concatenate(
            [pools.questions[corpus, place] for corpus in range(len(pools.sizes))]
        )
        if not len(questions):
            continue
        mine = times[rows.of[questions, place]]
        found[code] = {
            "questions": len(mine),
            "drawn": int(mine.sum()),
            "left_out": int((mine == 0).sum()),
            "mean": round(float(mine.mean()), 3),
            "most": int(mine.max()),
        }
    return found


def _matrix(plan: BatchPlan) -> dict[str, dict[str, int]]:
    counts = plan.batches.group_by("question_language", "passage_language").len()
    table: dict[str, dict[str, int]] = {}
    for question, passage, count in counts.sort(
        "question_language", "passage_language"
    ).iter_rows():
        table.setdefault(question, {})[passage] = count
    return table


def _passages(plan: BatchPlan, group: Array) -> dict[str, Any]:
    frame = plan.batches.select("step", passage=pl.Series(group[plan.question_rows]))
    batches = frame.group_by("step").agg(pl.col("passage").n_unique())["passage"].to_numpy()
    there = np.zeros(int(group.max()) + 1, dtype=bool)
    for unit in plan.units:
        for stratum in unit.strata:
            there[group[plan.pools.pairs(stratum)[0]]] = True
    return {
        "there": int(there.sum()),
        "drawn": frame["passage"].n_unique(),
        "a_batch": [int(batches.min()), round(float(batches.mean()), 2), int(batches.max())]
        if len(batches)
        else [],
    }


def _strata(plan: BatchPlan) -> Iterator[dict[str, Any]]:
    codes = plan.pools.rows.languages
    for unit, batches in zip(plan.units, plan.filled, strict=True):
        samples = batches.samples
        uses = (
            pl.DataFrame({"stratum": samples.stratum, "question": samples.question_rows})
            .group_by("stratum", "question")
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
                "question_language": codes[stratum.question_language],
                "passage_language": codes[stratum.passage_language],
                "there": int(plan.pools.sizes[stratum]),
                "wanted": int(unit.wanted[place]),
                "drawn": int(drawn),
                "most": int(most),
            }


def _left_out(plan: BatchPlan) -> Iterator[list[str]]:
    codes = plan.pools.rows.languages
    drawn = {
        (unit.kind.name, stratum.question_language, stratum.passage_language)
        for unit in plan.units
        for stratum, wanted in zip(unit.strata, unit.wanted, strict=True)
        if wanted
    }
    for kind in batch_kinds(plan.settings):
        for question, passage in pairs_there(plan.pools, plan.settings, kind):
            if (kind.name, question, passage) not in drawn:
                yield [kind.name, codes[question], codes[passage]]
