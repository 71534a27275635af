"""Worker processes for what keeps a core busy: the characters of texts, and their languages.

Threads would wait for each other: what is done to a text are many short calls, and between any two
of them a thread needs the interpreter's lock.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.reduction import ForkingPickler
from threading import Lock, Thread
from typing import Any, TypeVar

# A process has one thread: more would wait for each other in a busy loop.
_ONE_THREAD = dict.fromkeys(
    ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Processes that are started when there is enough to do, and may be asked by many threads.

    A script that wants more than one must have its own work below `if __name__ == "__main__"`:
    each process imports it.

    >>> Workers(1).map(len, ["one", "three"], pays=False)
    [3, 5]
    """

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None
        self._starting = Lock()

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item], *, pays: bool
    ) -> list[Result]:
        """`task` of each item, in their order; in this process unless it `pays` to start others."""
        if self.count == 1 or not (pays or self._pool) or len(items) < 2:
            return [task(item) for item in items]
        return list(self._started().map(task, items))

    def call(self, task: Callable[[Item], Result], item: Item, *, pays: bool) -> Result:
        """`task` of one item, in a process other than this one if there is one and it can be sent.

        Threads that ask for something at once then need not wait for each other.
        """
        if self.count == 1 or not (pays or self._pool) or not can_be_sent(task):
            return task(item)
        return self._started().submit(task, item).result()

    def _started(self) -> ProcessPoolExecutor:
        with self._starting:
            if self._pool is None:
                # Polars' threads do not survive a fork.
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self.count, context, _prepare)
                with _environment(_ONE_THREAD):
                    for _ in range(self.count):  # each starts one
                        self._pool.submit(int)
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def can_be_sent(task: Any) -> bool:
    """Whether other processes can get `task`: not a lambda, nor what only this script has.

    >>> can_be_sent(len), can_be_sent(lambda: 0)
    (True, False)
    """
    try:
        data = bytes(ForkingPickler.dumps(task))
    except Exception:  # whatever its parts raise
        return False
    return b"__main__" not in data  # a notebook's; one that fails to arrive would end the process


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _prepare() -> None:
    """End this process when the one that started it is gone: nobody else would tell it."""
    Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
