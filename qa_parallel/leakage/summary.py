"""What leaks, in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel.storage import summary as storage_summary
from qa_parallel.text import counted

_LENGTH = 240  # characters shown of a text
_HOW = {
    "id": "same id",
    "same": "same text",
    "near-duplicate": "near duplicate",
    "cosine": "same meaning",
    "title": "same title",
}


def words(manifest: Mapping[str, Any]) -> str:
    """What was compared, how many questions leak, and what became of them."""
    names = ", ".join(one["name"] for one in manifest.get("checked", []))
    found = manifest.get("found", {})
    questions, missed = (found.get(part, {}).get("questions", 0) for part in ("leaked", "coverage"))
    left = f"; {counted(missed, 'question')} not compared" if missed else ""
    if not questions:
        return f"Compared with {names}: no question leaks{left}."
    dropped = manifest.get("check-leakage", {}).get("action") == "drop"
    was, are = ("was", "is") if questions == 1 else ("were", "are")
    what = f"{was} dropped" if dropped else f"{are} still in the data"
    return f"Compared with {names}: {counted(questions, 'question')} leaked and {what}{left}."


def brief(manifest: Mapping[str, Any]) -> str:
    """How many questions leak, and how large the corpus is without them, if it was written."""
    found = manifest["found"]
    leaks = f"{counted(found['leaked']['questions'], 'question')} leaked"
    missed = found["coverage"]["questions"]
    left = f"{counted(missed, 'question')} not compared" if missed else ""
    return "; ".join(filter(None, (leaks, left, storage_summary.brief(manifest))))


def describe(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Tables and lines that tell what was checked against what, and what was found."""
    corpus = report["corpus"]
    yield Text(
        f"{corpus['name']}: {counted(corpus['rows'], 'row')}, "
        f"{counted(corpus['questions'], 'question')} in "
        f"{counted(len(corpus['languages']), 'language')}"
    )
    for one in report["checked"]:
        passages = f", {counted(one['passages'], 'passage')}" if one["passages"] else ""
        yield Text(
            f"checked against {one['name']} ({one['source']}): "
            f"{counted(sum(one['queries'].values()), 'question')} in "
            f"{counted(len(one['queries']), 'language')}{passages}"
        )
    yield from storage_summary.layouts(report)
    if report["hits"]:
        yield _hits(report["hits"])
        for number, hit in enumerate(report["examples"], start=1):
            yield _example(number, hit)
    yield from _coverage(report["coverage"])
    leaked = report["leaked"]
    if not leaked["questions"]:
        yield Text(report["coverage"]["verdict"])
        return
    rows = ", ".join(f"{code} {count:,}" for code, count in leaked["rows"].items())
    yield Text(
        f"\nLeaked: {counted(leaked['questions'], 'question')} (in all languages). By the passage: "
        f"{leaked['by_passage']:,}. In the original language: {leaked['by_original']:,}. In a "
        f"translation only: {leaked['by_translation']:,}."
    )
    yield Text(f"Rows: {rows}")


def _coverage(coverage: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What was read and what was not compared, a line each."""
    counts = {field: sum(texts.values()) for field, texts in coverage["texts"].items()}
    read = ", ".join(counted(count, field) for field, count in counts.items() if count)
    without = ", ".join(f"{field}s" for field, count in counts.items() if not count)
    yield Text(f"texts read: {read or 'none'}" + (f"; no {without}" if without else ""))
    for one in coverage["not_compared"]:
        hint = ": --encoder" if one["field"] == "question" else ""
        yield Text(f"not compared: {one['words']}{hint}", style="bold")


def _hits(hits: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("benchmark", "field", "evidence", ""):
        table.add_column(name)
    for name in ("rows", "questions"):
        table.add_column(name, justify="right")
    for hit in hits:
        table.add_row(
            hit["benchmark"],
            hit["field"],
            _how(hit["kind"], hit["field"], hit["leaked"]),
            "leak" if hit["leaked"] else "reported only",
            f"{hit['rows']:,}",
            f"{hit['questions']:,}",
        )
    return table


def _example(number: int, hit: Mapping[str, Any]) -> Table:
    overlap = "" if hit["overlap"] is None else f" {hit['overlap']:.2f}"
    leak = "leak" if hit["leaked"] else "reported only"
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    how = _how(hit["kind"], hit["field"], hit["leaked"])
    title = Text(f"{hit['field']}, {how}{overlap}: {leak}", style="bold")
    table.add_row(f"{number}.", "", title)
    table.add_row("", hit["language"], _marked(hit["text"], hit["evidence"], hit["qa_id"]))
    other = _marked(hit["benchmark_text"], hit["evidence"], hit["benchmark_id"])
    table.add_row("", hit["benchmark_language"], other)
    return table


def _how(kind: str, field: str, leaked: bool) -> str:
    how = _HOW.get(kind, f"{kind.removesuffix('-gram')} words shared")
    other = kind == "near-duplicate" and field == "question" and not leaked
    return f"{how}, another answer" if other else how


def _marked(text: str, evidence: str, place: str) -> Text:
    """A text, cut around what both sides share, with its id."""
    text = " ".join(text.split())
    first = evidence.split(" ")[0] if evidence else ""
    start = max(0, text.casefold().find(first) - _LENGTH // 4) if len(text) > _LENGTH else 0
    shown = text[start : start + _LENGTH]
    before, after = "…" if start else "", "…" if start + _LENGTH < len(text) else ""
    return Text(f"{before}{shown}{after}").append(f"  [{place}]", style="dim")
