"""A plan in the terminal: tables of its batches, languages and pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qa_parallel.text import counted

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

# Languages in a printed matrix, strata in a printed list: there may be thousands.
_MATRIX = 12
_LISTED = 8


def words(manifest: Mapping[str, Any]) -> str:
    """How many steps of which strategy."""
    steps, settings = manifest.get("steps", {}), manifest.get("build-batches", {})
    return (
        f"{counted(steps.get('train', 0), 'training step')} of up to {settings.get('batch_size')} "
        f"rows, strategy {settings.get('strategy')}; "
        f"{counted(steps.get('validation', 0), 'validation step')}."
    )


def brief(manifest: Mapping[str, Any]) -> str:
    """Steps of both sides."""
    steps = manifest["steps"]
    return (
        f"{counted(steps['train'], 'training step')}, "
        f"{counted(steps['validation'], 'validation step')}"
    )


def tables(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The statistics of both sides for a person."""
    from rich.text import Text

    from qa_parallel.storage.summary import layouts

    yield from layouts(report)
    yield _sides(report)
    yield Text(_left(report["rows"], report["build-batches"]["positive"]))
    yield _language_table(report["train"])
    if len(report["train"]["languages"]) <= _MATRIX:
        yield _matrix_table(report["train"])
    for side in ("train", "validation"):
        for line in [*_negatives(report, side), *unmet(report[side])]:
            yield Text(f"{side}: {line}")


def _left(rows: Mapping[str, int], positive: str) -> str:
    """What was read, and what of it cannot be used."""
    lacking = (("question", rows["without_question"]), (positive, rows["without_positive"]))
    words = [
        f"{count:,} {'has' if count == 1 else 'have'} no {name}" for name, count in lacking if count
    ]
    if rows["question_is_positive"]:
        count = rows["question_is_positive"]
        own = "is its own positive" if count == 1 else "are their own positives"
        words.append(f"{count:,} {own} and paired with translations only")
    read = counted(rows["all"], "row")
    whole = f"{read} read, {rows['reserved']:,} of them reserved for validation"
    return "; ".join([whole, *words])


def _negatives(report: Mapping[str, Any], side: str) -> list[str]:
    if report["build-batches"]["negatives"] != "bm25":  # others are no matter of the plan
        return []
    wanted = report[side]["rows"] * report["build-batches"]["negatives_per_row"]
    return [f"{report[side]['negatives']:,} hard negatives for {wanted:,} places"]


def unmet(side: Mapping[str, Any]) -> list[str]:
    """What could not be met, in words; nothing where all was."""
    lines = []
    short, rows = side["short"]["batches"], side["short"]["rows"]
    if short:
        what = f"{short:,} {'batch is' if short == 1 else 'batches are'}"
        lines.append(f"{what} short by {counted(rows, 'row')}: nothing more would fit")
    if replaced := side["replaced"]:
        others = "was replaced by another" if replaced == 1 else "were replaced by others"
        lines.append(f"{counted(replaced, 'row')} fitted into no batch and {others}")
    missed = [one for one in side["strata"] if one["drawn"] != one["wanted"]]
    lines += _listed(missed, "{drawn:,} rows instead of {wanted:,}")
    lines += [
        f"{code} is left out of the plan: its {count:,} distinct texts fill no batch; "
        "a smaller --batch-size takes it in"
        for code, count in side["too_small"].items()
    ]
    left_out = [
        {"kind": kind, "question_language": question, "passage_language": passage}
        for kind, question, passage in side["left_out"]
    ]
    lines += _listed(left_out, "no rows: the plan is too short for its share")
    repeated = [one for one in side["strata"] if one["wanted"] > 2 * one["there"]]
    repeated.sort(key=lambda one: -one["drawn"] / one["there"])
    lines += _listed(repeated, "{there:,} rows for {drawn:,} draws, each up to {most:,} times")
    return lines


def _listed(strata: list[dict[str, Any]], words: str) -> Iterator[str]:
    for one in strata[:_LISTED]:
        pair = dict.fromkeys((one["question_language"], one["passage_language"]))
        yield f"{one['kind']} {' → '.join(pair)}, {words.format(**one)}"
    if len(strata) > _LISTED:
        yield f"the same for {len(strata) - _LISTED:,} more: see report.json"


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    return table


def _sides(report: Mapping[str, Any]) -> Table:
    table = _table("", "steps", "rows", "rows/batch", "passages", "drawn", "passages/batch")
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
    table = _table("language", "questions", "drawn", "left out", "mean draws", "most draws")
    for code, one in side["languages"].items():
        table.add_row(
            code, f"{one['questions']:,}", f"{one['drawn']:,}", f"{one['left_out']:,}",
            f"{one['mean']:.2f}", f"{one['most']:,}",
        )  # fmt: skip
    return table


def _matrix_table(side: Mapping[str, Any]) -> Table:
    codes = list(side["languages"])
    table = _table("question \\ passage", *_heads(codes))
    for question in codes:
        counts = side["matrix"].get(question, {})
        table.add_row(question, *(f"{counts.get(passage, 0):,}" for passage in codes))
    return table


def _heads(codes: Sequence[str]) -> list[str]:
    """Codes without their script where one language has one: a dozen fit on a line.

    >>> _heads(["deu_Latn", "zho_Hans", "zho_Hant"])
    ['deu', 'zho_Hans', 'zho_Hant']
    """
    times = Counter(code[:3] for code in codes)
    return [code[:3] if times[code[:3]] == 1 else code for code in codes]
