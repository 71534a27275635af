"""What is seen while something runs: bars on a terminal and in notebooks, lines elsewhere."""

from __future__ import annotations

import importlib.util
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console

# Columns of what goes to a file or a pipe.
_WIDTH = 120

Tell = Callable[[str], None]


class QAParallelWarning(UserWarning):
    """What the user should know of, though the work goes on."""


def console(stderr: bool = False) -> Console:
    """A console that is as wide as the terminal, or 120 columns where there is none."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDTH)


def is_live(target: Console) -> bool:
    """Whether something can be drawn in place: a terminal, or a notebook that has ipywidgets."""
    in_notebook = target.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
    return target.is_terminal or in_notebook


class Telling:
    """Says what is being done: in place where that is possible, now and then in a line elsewhere.

    with Telling() as telling:
        telling.tell("reading")
    """

    _EVERY = 15.0  # seconds

    def __enter__(self) -> Self:
        self._console = console(stderr=True)
        self._status = self._console.status("reading")
        self._said = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        self._status.stop()

    def pause(self) -> None:
        """Nothing is drawn until there is something to tell."""
        self._status.stop()

    def tell(self, text: str) -> None:
        """What is being done now, in a few words."""
        self._status.update(text)
        if is_live(self._console):
            self._status.start()
        elif time.monotonic() - self._said > self._EVERY:
            self._said = time.monotonic()
            self._console.print(text, highlight=False, markup=False)

    def warn(self, text: str) -> None:
        """What the user should know of."""
        self._console.print(f"Warning: {text}", style="yellow", highlight=False, markup=False)


class Silent:
    """Draws nothing; warnings go where Python's go."""

    def pause(self) -> None: ...

    def tell(self, text: str) -> None: ...

    def warn(self, text: str) -> None:
        """What the user should know of, as a `QAParallelWarning`."""
        warnings.warn(text, QAParallelWarning, stacklevel=3)

    def start(self, *_: Any) -> None: ...

    def begin(self, *_: Any) -> None: ...

    def batch(self, *_: Any) -> None: ...

    def unit(self, *_: Any) -> None: ...

    def finish(self) -> None: ...


@contextmanager
def telling(shown: bool) -> Iterator[Telling | Silent]:
    """Who is told what is being done; with `shown` false, nobody."""
    if not shown:
        yield Silent()
        return
    with Telling() as told:
        yield told
