"""What every result has: it prints itself, is a table in a notebook, and an object for scripts."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel import display
from qa_parallel.storage.folders import Outcome

if TYPE_CHECKING:
    from rich.console import RenderableType


class Shown(ABC):
    """What can be read: `print(one)`, a table in a notebook, `one.record()` for scripts."""

    def __str__(self) -> str:
        return display.printed(self.tables())

    def _repr_html_(self) -> str:
        return display.html(self.tables())

    @abstractmethod
    def tables(self) -> Iterator[RenderableType]:
        """What there is to be read, as rich's tables and texts; strings say where things are."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """The same for a script, as JSON can hold it: what `--json` prints."""


class Result(Shown):
    """The folder that a stage left. It stands wherever a path may stand.

    Attributes
    ----------
    folder:
        Where it is.
    manifest:
        What was made of what, with which settings, counts and digests.
    complete_before:
        Whether all was there already, so that nothing had to be done.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.folder: Path = outcome.folder
        self.manifest: Mapping[str, Any] = outcome.manifest
        self.complete_before = outcome.complete_before
        self.outcome = outcome

    def __fspath__(self) -> str:
        return os.fspath(self.folder)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.folder}: {self._words()}>"

    @property
    def stage(self) -> str:
        """The name of the stage that made it: "filter"."""
        return str(self.manifest["stage"])

    def tables(self) -> Iterator[RenderableType]:
        from qa_parallel import stages

        yield from stages.of(self.manifest).summary(self.outcome)

    def record(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "folder": str(self.folder),
            "complete_before": self.complete_before,
            "counts": self._counts(),
            "figures": self._figures(),
        }

    @abstractmethod
    def _words(self) -> str:
        """The result in a few words."""

    @abstractmethod
    def _counts(self) -> dict[str, Any]:
        """How much of what there is."""

    @abstractmethod
    def _figures(self) -> Any:
        """What was measured."""
