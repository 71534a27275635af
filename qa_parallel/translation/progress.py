"""How a running translation looks: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from qa_parallel.display import is_live
from qa_parallel.sources.account import layout_words
from qa_parallel.sources.source import Source
from qa_parallel.storage.corpus import Stats
from qa_parallel.text import counted
from qa_parallel.translation.decoding.engine import Done
from qa_parallel.translation.models.model import Model

# Seconds between two plain lines.
_EVERY = 15.0


@dataclass
class _Pace:
    """What one language has done, and how long this process took for its part of that."""

    stats: Stats = field(default_factory=Stats)  # committed windows, an earlier run's included
    segments: int = 0
    tokens: int = 0
    seconds: float = 0.0
    # the window at work: its rows, its tokens, how many of these are read
    window: tuple[int, int] = (0, 0)
    read: int = 0

    def rows(self) -> float:
        """Rows that are done, those of the window at work in proportion to its tokens.

        Not to its segments: the long ones come first.
        """
        rows, tokens = self.window
        return self.stats.rows + (rows * self.read / tokens if tokens else 0)

    def rate(self, count: int) -> str:
        return f"{count / self.seconds:,.0f}/s" if self.seconds > 0.5 else "–"

    def saved(self) -> str:
        total = self.stats.segments
        return f"{1 - self.stats.unique / total:.0%}" if total else "–"


class Progress:
    """A `qa_parallel.translation.runner.Reporter` on a rich console.

    Parameters
    ----------
    verbose:
        A line for each window that is finished, in place of a table that is drawn.
    """

    def __init__(self, console: Console, verbose: bool = False) -> None:
        self._console, self._verbose = console, verbose
        self._paces: dict[str, _Pace] = {}
        self._live: Live | None = None
        self._total: int | None = None
        self._last = self._printed = self._started = time.monotonic()
        self._resumed_rows = 0

    def start(self, model: Model, source: Source, targets: tuple[str, ...]) -> None:
        """Say what begins, and begin to draw."""
        if model.demonstration:
            self._console.print(
                "[yellow]The demonstration model is for demonstration only: "
                "its translations are rough.[/yellow]"
            )
        rows = "" if source.total is None else f"{counted(source.total, 'row')} of "
        self._console.print(Text(f"{rows}{source.name} → {', '.join(targets)} with {model.name}"))
        self._console.print(Text(layout_words(source.account)))
        self._total = source.total
        self._paces = {target: _Pace() for target in targets}
        self._last = self._printed = self._started = time.monotonic()
        if is_live(self._console) and not self._verbose:
            self._live = Live(console=self._console, get_renderable=self._table, transient=True)
            self._live.start()

    def begin(self, language: str, rows: int, tokens: int) -> None:
        """A window of that many rows and source tokens is about to be translated."""
        pace = self._paces[language]
        pace.window, pace.read = (rows, tokens), 0
        self._last = time.monotonic()

    def batch(self, language: str, done: Done) -> None:
        """A batch is done."""
        pace = self._paces[language]
        now = time.monotonic()
        pace.seconds += now - self._last
        self._last = now
        pace.segments += done.segments
        pace.tokens += done.generated
        pace.read += done.read
        if self._live is None and now - self._printed > _EVERY:
            self._printed = now
            self._console.print(self._line(language), highlight=False)

    def unit(self, language: str, stats: Stats, resumed: bool) -> None:
        """A window of one language is committed, now or (`resumed`) by an earlier run."""
        if language in self._paces:
            pace = self._paces[language]
            pace.stats += stats
            pace.window, pace.read = (0, 0), 0
            if resumed:
                self._resumed_rows += stats.rows
            if self._verbose:
                seconds = time.monotonic() - self._started
                self._console.print(f"{seconds:8.1f} s  {self._line(language)}", highlight=False)

    def finish(self) -> None:
        """Stop drawing; also right after an error."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _left(self) -> str:
        """Time left as m:ss, from the rows that this process has done so far."""
        done = sum(pace.rows() for pace in self._paces.values())
        fresh = done - self._resumed_rows
        if self._total is None or fresh <= 0:
            return "–"
        ahead = self._total * len(self._paces) - done
        seconds = max(0, round(ahead * (time.monotonic() - self._started) / fresh))
        return f"{seconds // 60}:{seconds % 60:02d}"

    def _rows(self, pace: _Pace) -> str:
        return f"{pace.rows():,.0f}" + (f"/{self._total:,}" if self._total else "")

    def _line(self, language: str) -> str:
        pace = self._paces[language]
        return (
            f"{language}: {self._rows(pace)} rows, {pace.rate(pace.segments)} segments, "
            f"{pace.rate(pace.tokens)} tokens, {pace.saved()} repeated, "
            f"time left {self._left()}"
        )

    def _table(self) -> Group:
        table = Table(box=None, pad_edge=False)
        table.add_column("language")
        for name in ("rows", "segments", "segments/s", "tokens/s", "deduplicated"):
            table.add_column(name, justify="right")
        for language, pace in self._paces.items():
            table.add_row(
                language,
                self._rows(pace),
                f"{pace.segments:,}",
                pace.rate(pace.segments),
                pace.rate(pace.tokens),
                pace.saved(),
            )
        return Group(table, Text(f"time left {self._left()}"))
