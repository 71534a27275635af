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
        f"rows, strategy {settings.get('strategy')}; {steps.get('validation', 0):,} of validation."
    )


def brief(manifest: Mapping[str, Any]) -> str:
    """Steps of both sides."""
    steps = manifest["steps"]
    return f"{steps['train']:,} steps, {steps['validation']:,} to validate"


def tables(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The statistics of both sides for a person."""
    from rich.text import Text

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
    words = [f"{count:,} have no {name}" for name, count in lacking if count]
    if rows["question_is_positive"]:
        words.append(f"{rows['question_is_positive']:,} are to find their translations only")
    whole = f"{rows['all']:,} rows read, {rows['reserved']:,} of them reserved for validation"
    return "; ".join([whole, *words])


def _negatives(report: Mapping[str, Any], side: str) -> list[str]:
    if report["build-batches"]["negatives"] != "bm25":  # others are no matter of the plan
        return []
    wanted = report[side]["rows"] * report["build-batches"]["negatives_per_row"]
    return [f"{report[side]['negatives']:,} hard negatives for {wanted:,} places"]


def unmet(side: Mapping[str, Any]) -> list[str]:
    """What could not be met, in words; nothing where all was."""
    lines = [
        f"{code} is left out of the plan: its {count:,} distinct texts fill no batch; "
        "a smaller --batch-size takes it in"
        for code, count in side["too_small"].items()
    ]
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
        {"kind": kind, "question_language": question, "passage_language": passage}
        for kind, question, passage in side["left_out"]
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
