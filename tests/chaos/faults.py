"""Let the disk fill up at every write in turn, free it, go on, compare with an unbroken run.

    python -m tests.chaos.faults                # each write, some two hundred
    python -m tests.chaos.faults --sample 10    # ten of them

Opening a file for writing, making a folder, syncing and renaming fail from the n-th one on, a sync
with half of the file lost; then, with a limit to the size of files, what SQLite writes fails too.
A fault must end in one clear error, and the next run in the same files. No model is needed.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_parallel import pipeline
from qa_parallel.errors import QAParallelError
from qa_parallel.models import ModelSettings
from qa_parallel.sources import SourceSettings
from qa_parallel.translate import TranslateSettings
from tests.benchmarks.translate import Silent
from tests.chaos.kill import QUESTIONS, digests
from tests.fake_engine import Reversing

SETTINGS = TranslateSettings(to=("deu_Latn", "fra_Latn"), window_rows=4, shard_rows=4)
ROWS = 12


def translate(folder: Path, settings: TranslateSettings = SETTINGS) -> None:
    """A small translation into `folder / "out"`, with a cache beside it."""
    pipeline.translate(
        SourceSettings(source=str(QUESTIONS), limit=ROWS),
        ModelSettings(model="demo", cache=folder / "cache"),
        settings,
        folder / "out",
        Silent(),
        overwrite=True,
        engine=Reversing(settings),
    )


class Disk:
    """Counts what is written below `folder`; from the `room`-th on, all fails with `error`."""

    def __init__(self, folder: Path, room: int, error: int) -> None:
        self.folder, self.room, self.error = str(folder), room, error
        self.writes = 0

    def use(self, path: object) -> bool:
        """Count a write to `path`; whether it fails."""
        if not isinstance(path, str | os.PathLike):
            return False
        if not str(path).startswith(self.folder):
            return False
        self.writes += 1
        return self.writes > self.room

    def failure(self, path: object) -> OSError:
        return OSError(self.error, os.strerror(self.error), str(path))


_disk: Disk | None = None  # the one that the audit hook, which cannot be taken out, asks


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _disk is None or event not in ("open", "os.mkdir", "os.rename", "sqlite3.connect"):
        return
    path = arguments[0]
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return
    if _disk.use(path):
        if event == "sqlite3.connect":
            raise sqlite3.OperationalError("database or disk is full")
        raise _disk.failure(path)


sys.addaudithook(_audit)


@contextmanager
def full(folder: Path, room: int, error: int = errno.ENOSPC) -> Iterator[Disk]:
    """`room` writes below `folder` succeed, what follows fails."""
    global _disk
    disk, sync = Disk(folder, room, error), os.fsync

    def fsync(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        if disk.use(path):
            os.truncate(number, path.stat().st_size // 2)
            raise disk.failure(path)
        sync(number)

    _disk = disk
    os.fsync = fsync  # type: ignore[assignment]
    try:
        yield disk
    finally:
        _disk = None
        os.fsync = sync


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes, those of SQLite included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def survives(folder: Path, expected: dict[str, str]) -> bool:
    """Whether the next run, undisturbed, makes `expected` of what the fault has left."""
    translate(folder)
    return digests(folder / "out") == expected


def main(arguments: Sequence[str]) -> int:
    """All faults; 0 when every one was survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sample", type=int, help="Only so many writes, drawn by the seed.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole")
        with full(whole, sys.maxsize) as disk:
            translate(whole)
        expected, writes = digests(whole / "out"), disk.writes
        rooms: Sequence[int] = range(writes)
        sizes = [*range(512, 2**13, 512), 2**14, 2**15]
        if given.sample:
            chance = random.Random(given.seed)
            rooms = sorted(chance.sample(rooms, given.sample))
            sizes = sorted(chance.sample(sizes, min(given.sample, len(sizes))))
        failed = 0
        for room in rooms:
            folder = Path(scratch, f"full-{room}")
            try:
                with full(folder, room):
                    translate(folder)
                print(f"write {room + 1}: nothing failed")
                return 1
            except QAParallelError:
                failed += 1
            if not survives(folder, expected):
                print(f"after a failure of write {room + 1} the data files DIFFER")
                return 1
        stopped = 0
        for size in sizes:
            folder = Path(scratch, f"size-{size}")
            try:
                with small_files(size):
                    translate(folder)
            except QAParallelError:
                stopped += 1
            if not survives(folder, expected):
                print(f"after a limit of {size} bytes a file the data files DIFFER")
                return 1
    print(f"{failed} of {writes} writes failed in turn, {stopped} limits to the size of a file:")
    print(f"one clear error each, and then {len(expected)} equal data files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
