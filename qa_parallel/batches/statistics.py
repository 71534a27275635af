"""What a plan holds, in numbers: who meets whom, how often rows repeat, what could not be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from qa_parallel.batches.plan import Made
from qa_parallel.batches.rows import Array
from qa_parallel.batches.strata import kinds, pairs_there

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

# Languages in a printed matrix, strata in a printed list: there may be thousands.
_MATRIX = 12
_LISTED = 8


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
                "kind": unit.kind,
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
        (unit.kind, stratum.asked, stratum.found)
        for unit in made.units
        for stratum, wanted in zip(unit.strata, unit.wanted, strict=True)
        if wanted
    }
    for kind in kinds(made.settings):
        for asked, found in pairs_there(made.pools, made.settings, kind):
            if (kind, asked, found) not in drawn:
                yield [kind, codes[asked], codes[found]]


def tables(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The statistics of both sides for a person."""
    from rich.text import Text

    yield _sides(report)
    yield Text(_left(report["rows"], report["batches"]["positive"]))
    yield _language_table(report["train"])
    if len(report["train"]["languages"]) <= _MATRIX:
        yield _matrix_table(report["train"])
    for side in ("train", "validation"):
        for line in [*_negatives(report, side), *unmet(report[side])]:
            yield Text(f"{side}: {line}")


def _left(rows: Mapping[str, int], positive: str) -> str:
    """What was read, and what of it cannot be used."""
    lacking = (("question", rows["without_question"]), (positive, rows["without_positive"]))
    words = [f"{count:,} have no {name}" for name, count in lacking if count]
    if rows["question_is_positive"]:
        words.append(f"{rows['question_is_positive']:,} are to find their translations only")
    whole = f"{rows['all']:,} rows read, {rows['reserved']:,} of them reserved for validation"
    return "; ".join([whole, *words])


def _negatives(report: Mapping[str, Any], side: str) -> list[str]:
    if report["batches"]["negatives"] != "bm25":  # others are no matter of the plan
        return []
    wanted = report[side]["rows"] * report["batches"]["negatives_per_row"]
    return [f"{report[side]['negatives']:,} hard negatives for {wanted:,} places"]


def unmet(side: Mapping[str, Any]) -> list[str]:
    """What could not be met, in words; nothing where all was."""
    lines = []
    short, rows = side["short"]["batches"], side["short"]["rows"]
    if short:
        lines.append(f"{short:,} batches are short by {rows:,} rows: nothing more would fit")
    if side["replaced"]:
        lines.append(
            f"{side['replaced']:,} rows fitted into no batch, and others were taken again instead"
        )
    missed = [one for one in side["strata"] if one["drawn"] != one["wanted"]]
    lines += _listed(missed, "{drawn:,} rows instead of {wanted:,}")
    left_out = [
        {"kind": kind, "question_language": asked, "passage_language": found}
        for kind, asked, found in side["left_out"]
    ]
    lines += _listed(left_out, "no rows: its share is too small for so few")
    repeated = [one for one in side["strata"] if one["wanted"] > 2 * one["there"]]
    repeated.sort(key=lambda one: -one["drawn"] / one["there"])
    lines += _listed(repeated, "{there:,} rows for {drawn:,} draws, one up to {most:,} times")
    return lines


def _listed(strata: list[dict[str, Any]], words: str) -> Iterator[str]:
    for one in strata[:_LISTED]:
        pair = dict.fromkeys((one["question_language"], one["passage_language"]))
        yield f"{one['kind']} {' → '.join(pair)}, {words.format(**one)}"
    if len(strata) > _LISTED:
        yield f"and so for {len(strata) - _LISTED:,} more: see report.json"


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    return table


def _sides(report: Mapping[str, Any]) -> Table:
    table = _table("", "steps", "rows", "rows a batch", "passages", "drawn", "a batch")
    for name in ("train", "validation"):
        side = report[name]
        passages = side["passages"]
        table.add_row(
            name, f"{side['steps']:,}", f"{side['rows']:,}", _range(side["sizes"]),
            f"{passages['there']:,}", f"{passages['drawn']:,}",
            _range([passages["a_batch"][0], passages["a_batch"][-1]] if side["steps"] else []),
        )  # fmt: skip
    return table


def _range(ends: list[int]) -> str:
    return "–".join(f"{end:,}" for end in dict.fromkeys(ends))


def _language_table(side: Mapping[str, Any]) -> Table:
    table = _table("language", "questions", "drawn", "left out", "times, mean", "most")
    for code, one in side["languages"].items():
        table.add_row(
            code, f"{one['questions']:,}", f"{one['drawn']:,}", f"{one['left_out']:,}",
            f"{one['mean']:.2f}", f"{one['most']:,}",
        )  # fmt: skip
    return table


def _matrix_table(side: Mapping[str, Any]) -> Table:
    codes = list(side["languages"])
    table = _table("question \\ passage", *_heads(codes))
    for asked in codes:
        counts = side["matrix"].get(asked, {})
        table.add_row(asked, *(f"{counts.get(found, 0):,}" for found in codes))
    return table


def _heads(codes: Sequence[str]) -> list[str]:
    """Codes without their script where one language has one: a dozen fit on a line.

    >>> _heads(["deu_Latn", "zho_Hans", "zho_Hant"])
    ['deu', 'zho_Hans', 'zho_Hant']
    """
    times = Counter(code[:3] for code in codes)
    return [code[:3] if times[code[:3]] == 1 else code for code in codes]
