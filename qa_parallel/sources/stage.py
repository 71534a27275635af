"""Human-made parallel files in, a corpus folder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa_parallel.schema import check_split
from qa_parallel.sentences import annotate
from qa_parallel.sources.parallel import import_parallel as read
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import Stats, write_readme, write_shards
from qa_parallel.storage.folders import DATA, Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh

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
        VERSION,
        source={
            "files": {code: frame["source"][0] for code, frame in frames.items()},
            "columns": dict(columns or {}),
            "keep": list(keep),
            "encoding": encoding,
            "split": split,
            "license": license,
        },
    )

    def make(out: Path) -> dict[str, Any]:
        store.remove(out / DATA)
        files: dict[str, Any] = {}
        for code, frame in frames.items():
            part = out / folders.WORK / f"{code}.parquet"
            store.write_parquet(part, frame)
            files |= write_shards(out, code, split, [part], 1)
        write_readme(
            out, f"Parallel questions in {len(frames)} languages", list(frames), split, f"{made}."
        )
        stats = {
            code: Stats(rows=frame.height, spans=frame["answer_start"].count()).to_json()
            for code, frame in frames.items()
        }
        return {
            **folders.manifest(described, stats, files),
            "source_counts": {code: asdict(counts) for code, counts in made.counts.items()},
            "layout": {code: account.to_json() for code, account in made.accounts.items()},
            "questions": {"all": made.frame["qa_id"].n_unique(), "complete": made.complete()},
            "passages": made.frame["passage_id"].n_unique(),
        }

    return carry_out(Job("source", described, make), out, fresh(overwrite))
