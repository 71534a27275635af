"""What a finished corpus folder holds, for a person: counts, and rows side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel.storage.corpus import side_by_side
from qa_parallel.text import counted

_ROWS = 3
_PASSAGE = 300  # characters shown of a passage


def counts(manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    """A table and lines that tell what a corpus holds, from its manifest."""
    yield from layouts(manifest)
    yield _counts(manifest)
    for line in _lines(manifest):
        yield Text(line)


def layouts(manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    """A line for each source and evaluation set: what was read as what."""
    for name, account in manifest.get("layout", {}).items():
        yield Text(f"{name}: {account['words']}")


def brief(manifest: Mapping[str, Any]) -> str:
    """The size of a corpus in a few words; empty where there is none."""
    count = sum(item["rows"] for item in manifest["languages"].values())
    languages = counted(len(manifest["languages"]), "language")
    return f"{counted(count, 'row')} in {languages}" if count else ""


def rows(folder: Path, manifest: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Some rows of the corpus in `folder` side by side, and how to load it."""
    codes = list(manifest["languages"])
    for number, (qa_id, row) in enumerate(side_by_side(folder, codes, _ROWS), start=1):
        yield Text(f"\n{number}. {qa_id}", style="bold")
        yield _row(row)
    yield Text(
        f"\nThe corpus is in {folder}. To load it:\n"
        f'  python -c "from datasets import load_dataset; '
        f"print(load_dataset('{folder}', '{codes[-1]}')['{_split(manifest)}'][0])\""
    )


def _split(manifest: Mapping[str, Any]) -> str:
    name = Path(next(iter(manifest["files"]))).name
    return name.rsplit("-", 3)[0]


def _counts(manifest: Mapping[str, Any]) -> Table:
    """A row for each language; numbers that are zero everywhere have no column."""
    languages = manifest["languages"]
    cells = {code: _cells(stats) for code, stats in languages.items()}
    names = [
        name
        for name in _cells(next(iter(languages.values())))
        if name == "rows" or any(row[name] not in ("", "0") for row in cells.values())
    ]
    table = Table(box=None, pad_edge=False)
    table.add_column("language", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for code, row in cells.items():
        table.add_row(code, *(row[name] for name in names))
    return table


def _cells(stats: Mapping[str, Any]) -> dict[str, str]:
    names = ("rows", "segments", "unique", "cached", "translated", "tokens")
    placed = ", ".join(
        f"{method} {count / stats['spans']:.0%}"
        for method, count in sorted(stats["placed"].items())
    )
    if stats["spans"] and stats["translated"] + stats["cached"]:
        placed = placed or "none"
    kinds: Counter[str] = Counter()
    for name, count in stats["flags"].items():
        kinds[name.partition(":")[2]] += count
    flags = ", ".join(f"{name} {count:,}" for name, count in kinds.most_common())
    speed = f"{stats['tokens'] / stats['seconds']:,.0f}" if stats["tokens"] else ""
    return {name: f"{stats[name]:,}" for name in names} | {
        "tokens/s": speed,
        "answers placed": placed,
        "flags": flags,
    }


def _lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    translated = [item for item in manifest["languages"].values() if item["segments"]]
    if translated:
        segments = sum(item["segments"] for item in translated)
        saved = 1 - sum(item["unique"] for item in translated) / segments
        if saved:
            yield f"{saved:.0%} of the segments repeat others and were not translated again"
    yield from _vocabulary(manifest.get("vocabulary", {}))
    counts = manifest["source_counts"]
    if "read" in counts:  # of one source
        yield f"source rows: {_some(counts)}"
    else:
        questions = manifest["questions"]
        yield (
            f"{counted(questions['all'], 'question')}, {questions['complete']:,} of them in all "
            f"{counted(len(manifest['languages']), 'language')}; "
            f"{counted(manifest['passages'], 'group')} of passages"
        )
        for code, mine in counts.items():
            yield f"{code}: {_some(mine)}"


def _vocabulary(report: Mapping[str, Any]) -> Iterator[str]:
    """A line for each language: whether it was restricted to a list of tokens, and why not."""
    for code, item in report.items():
        if not item["attempts"]:
            yield f"{code}: whole vocabulary: too few rows to learn and test a restriction"
            continue
        last = item["attempts"][-1]
        size = f"{last['tokens']:,} of {last['of']:,} tokens"
        if "identical" not in last:
            yield f"{code}: whole vocabulary: restricting it to {size} would save too little"
            continue
        restricted, whole = last["logprob_restricted"], last["logprob_whole"]
        figures = (
            f"log-probability {restricted:.3f} instead of {whole:.3f}, "
            f"{last['identical']:.0%} identical, {last['speedup']:.1f} times as fast"
        )
        used = f"{size} from window {last['window'] + 1} on"
        failed = f"whole vocabulary, because restricting it to {size} failed the test"
        yield f"{code}: {used if item['restricted'] else failed}: {figures}"


def _some(counts: Mapping[str, int]) -> str:
    """The counts that are not zero, in words."""
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items() if n)


def _row(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for code, row in rows.items():
        for name, label in (("question", "Q"), ("answer", "A"), ("passage", "P")):
            if row[name]:
                table.add_row(code if name == "question" else "", label, _shorten(row[name]))
    return table


def _shorten(text: str) -> Text:
    text = " ".join(text.split())
    return Text(text if len(text) <= _PASSAGE else text[:_PASSAGE] + "…")
