"""Output folders: whose they are, whether they are complete, what their manifest says."""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qa_parallel import places
from qa_parallel.errors import StoreError
from qa_parallel.places import MANIFEST as MANIFEST
from qa_parallel.places import SETTINGS as SETTINGS
from qa_parallel.storage import store

MADE_BY = "qa-parallel"
# Where a corpus keeps its rows; what a reader of the folder reads first.
DATA = "data"
README = "README.md"
WORK = ".work"
# Raise it when the same settings would give other data files than before.
VERSION = 2
# What is done where a folder was made with other settings, or is complete: refuse and skip; make it
# again and skip; make it again whatever it is.
Redo = Literal["never", "changed", "always"]

# Of what a folder was made with: who reads the folder; the input; what follows from the rest.
_KEYS = {"made_by", "version", "code"}
_INPUT = {"corpus", "corpora", "plan", "runs"}
_DERIVED = {"signature", "untrained"}
_SHOWN = 60  # characters of a value that changed


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
    if places.same(out, places.home(source)):
        raise StoreError(f"expected another folder than the corpus in --out, found {out} for both")


def refuse_foreign(out: Path) -> None:
    """StoreError where nothing can stand in `out`, or something stands that is not ours."""
    places.refuse_unwritable(out)
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
            "expected an empty folder, or one that this command made, found "
            f"{foreign[0]!r} in {out}",
            "choose another --out",
        )


# Why something is made of which there is nothing yet.
NEW = "no output yet"


@dataclass(frozen=True)
class Standing:
    """How an output folder stands to what is to be made in it.

    Attributes
    ----------
    complete:
        All is there, made with the same settings of the same input.
    reasons:
        What is not as it should be, a few words each. Empty where it is complete.
    """

    complete: bool
    reasons: tuple[str, ...] = ()


def look(out: Path, described: Mapping[str, Any]) -> Standing:
    """How `out` stands to `described`; nothing is written.

    Raises
    ------
    StoreError
        Something stands in `out` that is not of our making, or of another stage's.
    """
    refuse_foreign(out)
    if not (out / SETTINGS).exists():
        return Standing(False, (NEW,))
    known = store.read_json(out / SETTINGS)
    _refuse_other(out, known, described)
    if known != described:
        return Standing(False, tuple(_reasons(known, described)))
    if not (out / MANIFEST).exists():
        return Standing(False, ("it was not finished",))
    if not is_whole(out):
        return Standing(False, ("one of its files is missing or cut short",))
    return Standing(True)


def claim(
    out: Path, described: dict[str, Any], redo: Redo, inner: Sequence[str] = (), keeps: str = ""
) -> bool:
    """Make `out` ours. False where it is complete already; StoreError where it is another's.

    That of another stage is refused whatever `redo` says.

    Parameters
    ----------
    inner:
        Folders in it that are continued when settings change, and done again where "always" is
        asked for with the same settings.
    keeps:
        What need not be made again with other settings, for the message. Empty: nothing.
    """
    refuse_foreign(out)
    path, manifest = out / SETTINGS, out / MANIFEST
    known = store.read_json(path) if path.exists() else None
    if known is not None:
        _refuse_other(out, known, described)
    store.remove(_aside(out))
    if known is not None and known != described and redo == "never":
        changed = "; ".join(changes(known, described))
        raise StoreError(
            f"{out} was made with other settings ({changed})",
            "choose another --out, or --overwrite" + (f" ({keeps})" if keeps else ""),
        )
    again = manifest.exists() and redo == "always"
    if known is not None and (known != described or again):
        # The manifest first, and the work by rename: what is half deleted is not continued.
        store.remove(manifest)
        if (out / WORK).exists():
            store.rename(out / WORK, _aside(out))
        more = [out / name for name in inner] if known == described else []
        for gone in (_aside(out), out / DATA, out / README, *more):
            store.remove(gone)
        known = None
    if known is None:
        store.write_json(path, described)
        return True
    if manifest.exists() and not is_whole(out):
        store.remove(manifest)  # a data file is missing or cut short: make it again
    return not manifest.exists()


def finish(out: Path, manifest: dict[str, Any], started: float) -> dict[str, Any]:
    """Write the manifest, which makes `out` whole, with when that was and how long it took.

    Parameters
    ----------
    started:
        `time.monotonic()` when the stage began. Of a stage that was stopped and continued,
        only the seconds of the last start are counted.

    Returns
    -------
    The manifest as written: "finished" is in UTC, "seconds" are wall-clock time.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    whole = {**manifest, "finished": now, "seconds": round(time.monotonic() - started, 3)}
    store.write_json(out / MANIFEST, whole)
    return whole


def _refuse_other(out: Path, known: Mapping[str, Any], described: Mapping[str, Any]) -> None:
    """StoreError where another stage made what is in `out`."""
    stage, there = described["stage"], known.get("stage", "another version of qa-parallel")
    if there != stage:
        raise StoreError(
            f"expected a folder that {stage} made in {out}, found one that {there} made",
            "choose another --out",
        )


def _aside(out: Path) -> Path:
    return out / f"{WORK}.old"


def complete(out: Path) -> Outcome:
    """What was finished before; a kill may have left the parts that it was made of."""
    store.remove(out / WORK)
    return Outcome(out, store.read_json(out / MANIFEST), complete_before=True)


def _reasons(known: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[str]:
    """What changed, the input and the code summed up, the stage's own settings by their names."""
    heads = {key for key in {*known, *described} if known.get(key) != described.get(key)}
    if heads & _INPUT:
        yield "its input changed"
    if heads & _KEYS:
        yield "its code changed"
    left = heads - _INPUT - _KEYS
    old, new = ({key: side.get(key) for key in side if key in left} for side in (known, described))
    for change in changes(old, new):
        yield change.removeprefix(f"{described['stage']}.")


def changes(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """What differs between two JSON values, and how.

    >>> list(changes({"limits": {"length": 3.0}}, {"limits": {"length": 4.0}}))
    ['limits.length changed 3 → 4']
    """
    old, new = _by_name(old), _by_name(new)
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            before, after = _shown(old), _shown(new)
            yield f"{name} changed" + (f" {before} → {after}" if before and after else "")
    elif "digest" in old and "digest" in new and old["digest"] != new["digest"]:
        # what a digest is of need not be told key by key
        yield from changes(old.get("name"), new.get("name"), name)
        if old.get("name") == new.get("name"):
            yield f"{name} changed"
    else:
        for key in dict.fromkeys([*old, *new]):
            if key not in _DERIVED:
                inner = f"{name}.{key}" if name else key
                yield from changes(old.get(key), new.get(key), inner)


def _by_name(value: Any) -> Any:
    """A list of things that have names as a dictionary."""
    if isinstance(value, list) and all(isinstance(one, dict) and "name" in one for one in value):
        named = {one["name"].partition("@")[0]: one for one in value}
        return named if value and len(named) == len(value) else value
    return value


def _shown(value: Any) -> str:
    """A value in a few characters; empty where it needs more."""
    text = f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else ""


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


def lineage(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Manifests of the stages that a corpus went through, the first one first, its own last.

    >>> steps = lineage({"stage": "filter", "input": {"stage": "import"}})
    >>> [step["stage"] for step in steps]
    ['import', 'filter']
    """
    before = manifest.get("input")
    return [*(lineage(before) if before else ()), manifest]


def _versions() -> dict[str, str]:
    names = ("qa-parallel", "ctranslate2", "polars", "tokenizers", "sentencex", "sacremoses")
    return {name: importlib.metadata.version(name) for name in names}


def is_whole(folder: Path) -> bool:
    """Whether every data file that the manifest names is there, in its size."""
    files = store.read_json(folder / MANIFEST)["files"]
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == item["bytes"]
        for name, item in files.items()
    )


def is_unfinished(path: Path) -> bool:
    """Whether a folder is one of ours whose manifest, which is written last, is missing."""
    settings = path / SETTINGS
    ours = settings.is_file() and MADE_BY in settings.read_text("utf-8", "replace")
    return ours and not (path / MANIFEST).is_file()
