"""Human-made parallel files in, a corpus folder out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa_parallel import dataset, store
from qa_parallel.parallel_import import import_parallel as read
from qa_parallel.schema import check_split
from qa_parallel.stages import folders
from qa_parallel.stages.folders import Outcome
from qa_parallel.translate import Stats, annotate


def import_parallel(
    parallel: Mapping[str, Path] | Path,
    out: Path,
    *,
    columns: Mapping[str, str] | None = None,
    split: str = "train",
    license: str | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write human-made parallel files, joined by id, as a corpus folder.

    Parameters and errors as `qa_parallel.parallel_import.import_parallel`; StoreError as
    `translate`.
    """
    started = time.monotonic()
    check_split(split)
    folders.refuse_foreign(out)
    made = read(parallel, columns=columns, split=split, license=license)
    frames = {code: annotate(frame) for code, frame in made.frames().items()}
    described = {
        "made_by": folders.MADE_BY,
        "version": folders.VERSION,
        "source": {
            "files": {code: frame["source"][0] for code, frame in frames.items()},
            "columns": dict(columns or {}),
            "split": split,
            "license": license,
        },
    }
    with store.locked(out):
        if not folders.claim(out, described, overwrite):
            return folders.complete(out)
        store.remove(out / dataset.DATA)
        files: dict[str, Any] = {}
        for code, frame in frames.items():
            part = out / folders.WORK / f"{code}.parquet"
            store.write_parquet(part, frame)
            files |= dataset.write_shards(out, code, split, [part], 1)
        dataset.write_readme(
            out, f"Parallel questions in {len(frames)} languages", list(frames), split, f"{made}."
        )
        stats = {
            code: Stats(rows=frame.height, spans=frame["answer_start"].count()).to_json()
            for code, frame in frames.items()
        }
        manifest = {
            **folders.manifest(described, stats, files),
            "source_counts": {code: asdict(counts) for code, counts in made.counts.items()},
            "questions": {"all": made.frame["qa_id"].n_unique(), "complete": made.complete()},
            "passages": made.frame["passage_id"].n_unique(),
        }
        manifest = folders.finish(out, manifest, started)
        store.remove(out / folders.WORK)
    return Outcome(out, manifest)
