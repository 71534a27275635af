"""Let the disk fill up at every write in turn, free it, go on, compare with an unbroken run.

    python -m tests.chaos.faults                # each write, some two hundred
    python -m tests.chaos.faults --sample 10    # ten of them
    python -m tests.chaos.faults --run          # of all stages of a recipe

Opening a file for writing, making a folder, syncing and renaming fail from the n-th one on, a sync
with half of the file lost; then, with a limit to the size of files, what SQLite writes fails too.
A fault must end in one clear error, and the next run in the same files. No model is needed, but
for --run a tiny encoder, which torch makes.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from qa_parallel.errors import QAParallelError
from qa_parallel.pipeline import run as pipeline
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import store
from qa_parallel.storage.stage import Tools
from qa_parallel.translation import stage as translation
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings
from tests.benchmarks.translate import Silent
from tests.chaos.kill import QUESTIONS, digests
from tests.fake_engine import Reversing
from tests.tiny_models import build_bert

SETTINGS = TranslateSettings(to=("deu_Latn", "fra_Latn"), window_rows=4, shard_rows=4)
ROWS = 12


def translate(folder: Path, settings: TranslateSettings = SETTINGS) -> None:
    """A small translation into `folder / "out"`, with a cache beside it."""
    translation.translate(
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


def recipe(encoder: Path) -> Recipe:
    """All stages of a recipe but the training, small; `encoder` is a folder."""
    sets = {"quickstart-eval": str(QUESTIONS.with_name("eval") / "eng_Latn.json")}
    values = {
        "name": "faults",
        "out": "never",
        "source": {"source": str(QUESTIONS), "limit": 4},
        "model": {"model": "demo"},
        "translate": {"to": "fr", "beam": 1, "window_rows": 2},
        "filter": {},
        "check-leakage": {"against": sets},
        "build-batches": {"batch_size": 2, "validation": 0},
        "evaluate": {"encoder": str(encoder), "sets": sets},
    }
    return Recipe.model_validate(values)


def run(folder: Path, settings: Recipe) -> None:
    """Run the recipe into `folder / "out"`, with a cache beside it."""
    cache = {"cache": folder / "cache"}
    assert settings.evaluate is not None
    here = settings.model_copy(
        update={
            "out": folder / "out",
            "model": settings.model.model_copy(update=cache),
            "evaluate": settings.evaluate.model_copy(update=cache),
        }
    )
    for _ in pipeline.run(here, Tools(Silent())):
        pass


def made(folder: Path) -> dict[str, str]:
    """Digests of the data files and of an evaluation's results."""
    results = sorted((folder / "out" / "evaluated").glob("*.parquet"))
    return digests(folder / "out") | {path.name: store.digest(path) for path in results}


def main(arguments: Sequence[str]) -> int:
    """All faults; 0 when every one was survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sample", type=int, help="Only so many writes, drawn by the seed.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", action="store_true", help="All stages of a recipe.")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        work: Callable[[Path], None] = translate
        if given.run:
            work = partial(run, settings=recipe(build_bert(scratch / "encoder")))
        return trials(work, scratch, given.sample, given.seed)


def fails(work: Callable[[Path], None], torn: Path, limit: AbstractContextManager[Any]) -> bool:
    """Whether `work` ends in an error of ours under `limit`; then it is done without one."""
    failed = False
    try:
        with limit:
            work(torn)
    except QAParallelError:
        failed = True
    work(torn)
    return failed


def trials(work: Callable[[Path], None], scratch: Path, sample: int | None, seed: int) -> int:
    """Let `work` fail at every write, or at `sample` of them; 0 when all was survived."""
    whole = scratch / "whole"
    with full(whole, sys.maxsize) as disk:
        work(whole)
    expected, writes = made(whole), disk.writes
    rooms: Sequence[int] = range(writes)
    sizes = [*range(512, 2**13, 512), 2**14, 2**15]
    if sample:
        chance = random.Random(seed)
        rooms = sorted(chance.sample(rooms, sample))
        sizes = sorted(chance.sample(sizes, min(sample, len(sizes))))
    failed = stopped = 0
    for room in rooms:
        torn = scratch / f"full-{room}"
        if not fails(work, torn, full(torn, room)):
            print(f"write {room + 1}: nothing failed")
            return 1
        failed += 1
        if made(torn) != expected:
            print(f"after a failure of write {room + 1} the data files DIFFER")
            return 1
    for size in sizes:
        torn = scratch / f"size-{size}"
        stopped += fails(work, torn, small_files(size))
        if made(torn) != expected:
            print(f"after a limit of {size} bytes a file the data files DIFFER")
            return 1
    print(f"{failed} of {writes} writes failed in turn, {stopped} limits to the size of a file:")
    print(f"one clear error each, and then {len(expected)} equal data files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
