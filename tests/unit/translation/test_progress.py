"""What a person sees of a running translation and of its outcome."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from qa_parallel.sources.account import Account
from qa_parallel.storage import summary as storage_summary
from qa_parallel.storage.corpus import Stats
from qa_parallel.translation.decoding.engine import Done
from qa_parallel.translation.progress import Progress


def running(terminal: bool) -> tuple[Progress, io.StringIO]:
    text = io.StringIO()
    shown = Progress(Console(file=text, force_terminal=terminal, width=100))
    model: Any = SimpleNamespace(demonstration=True, name="demo")
    source: Any = SimpleNamespace(total=10, name="qa.jsonl@abc", account=Account(rows=10))
    shown.start(model, source, ("deu_Latn", "fra_Latn"))
    return shown, text


def test_plain_lines_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("qa_parallel.translation.progress.time.monotonic", lambda: clock[0])
    shown, text = running(terminal=False)
    shown.begin("deu_Latn", 5, 200)
    for clock[0] in (10.0, 20.0):
        shown.batch("deu_Latn", Done(25, 50, 500))
    assert [line for line in text.getvalue().splitlines() if " 2/10 rows" in line]
    for clock[0] in (30.0, 40.0):
        shown.batch("deu_Latn", Done(25, 50, 500))
    shown.unit("deu_Latn", Stats(rows=5, segments=100, unique=25), resumed=False)
    shown.finish()
    lines = text.getvalue().splitlines()
    assert "for demonstration only" in lines[0]
    assert lines[1] == "10 rows of qa.jsonl@abc → deu_Latn, fra_Latn with demo"
    rates = [line for line in lines if line.startswith("deu_Latn:")]
    assert rates
    assert "5/10 rows, 2/s segments, 50/s tokens" in rates[-1]
    # a quarter of the work in 40 seconds
    assert rates[-1].endswith("time left 2:00")
    assert "\x1b" not in text.getvalue()


def test_a_table_on_a_terminal() -> None:
    shown, text = running(terminal=True)
    shown.unit("deu_Latn", Stats(rows=5, segments=100, unique=25), resumed=False)
    shown.finish()
    shown.finish()  # twice is no harm
    assert "deduplicated" in text.getvalue()
    assert "75%" in text.getvalue()


def test_markup_in_names_is_text() -> None:
    text = io.StringIO()
    shown = Progress(Console(file=text, width=200))
    source: Any = SimpleNamespace(total=None, name="[red]x[/nonsense]", account=Account())
    shown.start(cast(Any, SimpleNamespace(demonstration=False, name="m")), source, ("deu_Latn",))
    assert "[red]x[/nonsense]" in text.getvalue()


def test_the_summary_shows_rows_side_by_side(tmp_path: Path) -> None:
    from qa_parallel.sources.stage import import_parallel

    for code, question in (("en", "Why [b]me[/b]?"), ("de", "Warum ich?")):
        (tmp_path / f"{code}.csv").write_text(f"id,question,answer\nq1,{question},x\n")
    files = {code: tmp_path / f"{code}.csv" for code in ("en", "de")}
    outcome = import_parallel(files, tmp_path / "out")
    text = io.StringIO()
    console = Console(file=text, width=100)
    for part in (
        *storage_summary.counts(outcome.manifest),
        *storage_summary.rows(outcome.folder, outcome.manifest),
    ):
        console.print(part)
    shown = text.getvalue()
    assert "1 question, 1 of them in all 2 languages" in shown
    assert "Why [b]me[/b]?" in shown
    assert "Warum ich?" in shown
    assert "tokens" not in shown  # nothing was translated: no columns of zeros
