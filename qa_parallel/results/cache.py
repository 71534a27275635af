"""What is in the cache, for a person and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.results.base import Shown
from qa_parallel.storage.caches import KINDS, Entry
from qa_parallel.text import size

if TYPE_CHECKING:
    from rich.console import RenderableType


class CacheContents(Shown):
    """Some or all entries of a cache folder.

    Attributes
    ----------
    folder:
        Where the cache is.
    entries:
        Each with its kind, path, bytes, and when it was last used.
    """

    def __init__(self, folder: Path, entries: Sequence[Entry]) -> None:
        self.folder, self.entries = folder, tuple(entries)

    @property
    def bytes(self) -> int:
        """Of all entries together."""
        return sum(one.bytes for one in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"<CacheContents of {self.folder}: {len(self)} entries, {size(self.bytes)}>"

    def tables(self) -> Iterator[RenderableType]:
        from rich.table import Table

        yield f"The cache is {self.folder}."
        table = Table(box=None, pad_edge=False)
        table.add_column("kind", no_wrap=True)
        for name in ("entries", "size"):
            table.add_column(name, justify="right")
        for kind, (count, total) in self._kinds().items():
            table.add_row(kind, f"{count:,}", size(total))
        table.add_row("all", f"{len(self):,}", size(self.bytes), style="bold")
        yield table

    def record(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "bytes": self.bytes,
            "kinds": {
                kind: {"entries": count, "bytes": total}
                for kind, (count, total) in self._kinds().items()
            },
        }

    def _kinds(self) -> dict[str, tuple[int, int]]:
        found = {kind: [one.bytes for one in self.entries if one.kind == kind] for kind in KINDS}
        return {kind: (len(sizes), sum(sizes)) for kind, sizes in found.items()}
