"""Human-made parallel files in, a corpus folder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa_parallel.schema import check_split
from qa_parallel.sentences import annotate
from qa_parallel.sources import summary
from qa_parallel.sources.parallel import import_parallel as read
from qa_parallel.storage import folders
from qa_parallel.storage import summary as storage_summary
from qa_parallel.storage.corpus import CorpusWriter
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Stage

# Raise it when the same files would give other rows than before.
VERSION = 2


def import_parallel(
    parallel: Mapping[str, Path] | Path,
    out: Path,
    *,
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    encoding: str | None = None,
    split: str = "train",
    license: str | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write human-made parallel files, joined by id, as a corpus folder.

    Parameters and errors as `qa_parallel.sources.parallel.import_parallel`; StoreError as
    `translate`.
    """
    check_split(split)
    folders.refuse_foreign(out)
    made = read(
        parallel, columns=columns, keep=keep, encoding=encoding, split=split, license=license
    )
    frames = {code: annotate(frame) for code, frame in made.frames().items()}
    described = description(
        STAGE.name,
        VERSION,
        {
            "columns": dict(columns or {}),
            "keep": list(keep),
            "encoding": encoding,
            "split": split,
        },
        source={
            "files": {code: frame["source"][0] for code, frame in frames.items()},
            "license": license,
        },
    )

    def make(out: Path) -> dict[str, Any]:
        writer = CorpusWriter(out, list(frames), split)
        for code, frame in frames.items():
            writer.add(code, frame)
        title = f"Parallel questions in {len(frames)} languages"
        return {
            **writer.finish(described, title, f"{made}."),
            "source_counts": {code: asdict(counts) for code, counts in made.counts.items()},
            "layout": {code: account.to_json() for code, account in made.accounts.items()},
        }

    return carry_out(Job(described, make), out, fresh(overwrite))


STAGE = Stage(
    name="import",
    title="Import",
    makes="corpus",
    words=summary.words,
    brief=lambda outcome: storage_summary.brief(outcome.manifest),
    summary=lambda outcome: storage_summary.counts(outcome.manifest),
)
