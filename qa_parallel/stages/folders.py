"""Output folders: whose they are, whether they are complete, what their manifest says."""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qa_parallel import dataset, store
from qa_parallel.errors import StoreError

SETTINGS = dataset.SETTINGS
MADE_BY = dataset.MADE_BY
WORK = ".work"
# Raise it when the same settings would give other data files than before.
VERSION = 1


@dataclass
class Outcome:
    """What a stage left behind: the folder, its manifest, and whether it was there already."""

    folder: Path
    manifest: dict[str, Any]
    complete_before: bool = False


def part(folder: Path, language: str) -> Path:
    """The rows of one language in the folder of a window."""
    return folder / f"{language}.parquet"


def refuse_same(out: Path, source: str) -> None:
    """StoreError where `out` is what is read: overwriting it would lose it."""
    if out.resolve() == Path(source).expanduser().resolve():
        raise StoreError(f"expected another folder than the corpus in --out, found {out} for both")


def refuse_foreign(out: Path) -> None:
    """StoreError where something stands in `out` that is not of our making."""
    try:
        found = sorted(item.name for item in out.iterdir()) if out.is_dir() else []
    except OSError as error:
        raise StoreError(f"cannot read {out}: {error.strerror}", "choose another --out") from None
    if SETTINGS in found and store.read_json(out / SETTINGS).get("made_by") == MADE_BY:
        return
    # What a kill in our very first moments can leave behind is ours too.
    foreign = [name for name in found if name not in (".lock", f".{SETTINGS}.part")]
    if foreign:
        raise StoreError(
            f"expected an empty folder, or one of this command, found {foreign[0]!r} in {out}",
            "choose another --out",
        )


def claim(out: Path, described: dict[str, Any], overwrite: bool) -> bool:
    """Make `out` ours. False where it is complete already; StoreError where it is another's."""
    refuse_foreign(out)
    path, manifest = out / SETTINGS, out / dataset.MANIFEST
    known = store.read_json(path) if path.exists() else None
    store.remove(_aside(out))
    if known is not None and overwrite and (known != described or manifest.exists()):
        # The manifest first, and the work by rename: what is half deleted is not gone on from.
        store.remove(manifest)
        if (out / WORK).exists():
            store.rename(out / WORK, _aside(out))
        for gone in (_aside(out), out / dataset.DATA, out / dataset.README):
            store.remove(gone)
        known = None
    if known is None:
        store.write_json(path, described)
        return True
    if known != described:
        changed = "; ".join(_differences(known, described))
        raise StoreError(
            f"{out} was made with other settings ({changed})",
            "choose another --out, or --overwrite: what is made already stays in the cache",
        )
    if manifest.exists() and not dataset.is_whole(out):
        store.remove(manifest)  # a data file is missing or cut short: make it again
    return not manifest.exists()


def finish(out: Path, manifest: dict[str, Any], started: float) -> dict[str, Any]:
    """Write the manifest, which makes `out` whole, with when that was and how long it took.

    Parameters
    ----------
    started:
        `time.monotonic()` when the stage began. A stage that was stopped and goes on counts the
        seconds of its last start alone.

    Returns
    -------
    The manifest as written: "finished" is in UTC, "seconds" are of the clock on the wall.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    whole = {**manifest, "finished": now, "seconds": round(time.monotonic() - started, 3)}
    store.write_json(out / dataset.MANIFEST, whole)
    return whole


def _aside(out: Path) -> Path:
    return out / f"{WORK}.old"


def complete(out: Path) -> Outcome:
    """What was finished before; a kill may have left the parts that it was made of."""
    store.remove(out / WORK)
    return Outcome(out, store.read_json(out / dataset.MANIFEST), complete_before=True)


def _differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{name}.{key}" if name else key
            yield from _differences(old.get(key), new.get(key), inner)
    elif old != new:
        before, after = (json.dumps(value, ensure_ascii=False) for value in (old, new))
        yield f"{name}: {before} → {after}"


def manifest(
    described: Mapping[str, Any], stats: Mapping[str, Mapping[str, Any]], files: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "corpus",
        "fingerprint": store.fingerprint(described),
        **described,
        "versions": _versions(),
        "languages": {code: dict(item) for code, item in stats.items()},
        "files": dict(files),
    }


def _versions() -> dict[str, str]:
    names = ("qa-parallel", "ctranslate2", "polars", "tokenizers", "sentencex", "sacremoses")
    return {name: importlib.metadata.version(name) for name in names}
