"""A stage that is ready to be run: what shapes its outcome, and how that is made.

job = prepare_filter(corpus, settings)
outcome = carry_out(job, Path("clean"))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_parallel.errors import QAParallelError
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import Outcome, Redo, Standing


@dataclass(frozen=True)
class Job:
    """What is to be made; nothing is written before `carry_out`.

    Attributes
    ----------
    described:
        All that shapes the outcome, as `description` gives it. Two jobs that are described alike
        leave the same files behind.
    make:
        Writes the files into a folder, and returns the manifest, which `carry_out` writes last.
    input:
        The manifests of what is read, for the manifest. None = nothing of ours is read.
    inner:
        Folders of jobs within it.
    close:
        Lets go of processes, whether `make` was called or not.
    keeps:
        As in `Stage`.
    words:
        What is done, in a few words: "200 questions into 4 languages".
    """

    described: dict[str, Any]
    make: Callable[[Path], dict[str, Any]]
    input: Any = None
    inner: tuple[str, ...] = ()
    close: Callable[[], None] = lambda: None
    keeps: str = ""
    words: str = ""


def description(stage: str, code: int, settings: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """What shapes the outcome of a stage, as settings.json and the manifest have it.

    Parameters
    ----------
    stage:
        Its name, which is also the key of its `settings`.
    code:
        The version of its code.
    parts:
        What else shapes it: digests of what is read, mostly.

    >>> description("filter", 4, {"pivot": None}, corpus={"digest": "333f"})
    {'made_by': 'qa-parallel', 'version': 2, 'stage': 'filter', 'code': 4, \
'corpus': {'digest': '333f'}, 'filter': {'pivot': None}}
    """
    return {
        "made_by": folders.MADE_BY,
        "version": folders.VERSION,
        "stage": stage,
        "code": code,
        **parts,
        stage: dict(settings),
    }


def look(job: Job, out: Path) -> Standing:
    """Whether `job` is done already in `out`, and why not; nothing is written."""
    return folders.look(out, job.described)


def carry_out(job: Job, out: Path, redo: Redo = "never") -> Outcome:
    """Make what `job` describes in `out`, or continue it, unless it is there.

    Raises
    ------
    StoreError
        `out` belongs to other settings, is locked by another process, or cannot be written.
    """
    started = time.monotonic()
    folders.refuse_foreign(out)  # before a lock file is left in it
    with store.locked(out):
        if not folders.claim(out, job.described, redo, job.inner, job.keeps):
            return _complete(job, out)
        try:
            manifest = dict(job.make(out))
        except QAParallelError:
            if _holds_nothing(out):  # so that the next try may have other settings
                store.remove(out / folders.SETTINGS)
            raise
        if job.input is not None:
            manifest["input"] = job.input
        manifest = folders.finish(out, manifest, started)
        store.remove(out / folders.WORK)
    return Outcome(out, manifest)


def _complete(job: Job, out: Path) -> Outcome:
    """What is there; equal input may have come about in another way since, and that is told."""
    done = folders.complete(out)
    if job.input is not None and done.manifest.get("input") != job.input:
        done.manifest["input"] = job.input
        store.write_json(out / folders.MANIFEST, done.manifest)
    return done


def _holds_nothing(out: Path) -> bool:
    return {path.name for path in out.iterdir()} <= {".lock", folders.SETTINGS}


def fresh(overwrite: bool) -> Redo:
    """What the option --overwrite asks for."""
    return "always" if overwrite else "never"
