"""Which stages left something in a folder, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_parallel import stages
from qa_parallel.errors import StoreError
from qa_parallel.places import is_folder
from qa_parallel.storage import folders, store
from qa_parallel.storage.stage import Stage

_DEPTH = 2
_HALF = "it was started and not finished; run its command again to continue"
_LOST = "a file that its manifest names is missing or cut short; run it again"
_OTHER = "it was made by another version of qa-parallel; run it again"


@dataclass(frozen=True)
class StageFolder:
    """The folder of one stage.

    Attributes
    ----------
    stage:
        That made it.
    name:
        The folder as seen from the one that is reported on; "" for that one itself.
    manifest:
        Empty where there is none.
    problem:
        Why it is not shown, and what to do. Empty where it is whole.
    """

    stage: Stage
    name: str
    folder: Path
    manifest: Mapping[str, Any] = field(repr=False)
    problem: str = ""

    @property
    def whole(self) -> bool:
        return not self.problem

    @property
    def is_corpus(self) -> bool:
        return self.whole and self.manifest.get("kind") == "corpus"

    @property
    def digest(self) -> str:
        """Of the data files, as the next stage records it."""
        files: Mapping[str, Any] = self.manifest.get("files", {})
        return store.fingerprint({name: item["sha256"] for name, item in files.items()})


def find(folder: Path, version: int) -> list[StageFolder]:
    """The stages in `folder`, which is that of one stage or holds theirs, in their order.

    Parameters
    ----------
    version:
        Of the folders that can be read.

    Raises
    ------
    StoreError
        There is none, or none that is whole, or one of a stage that is not known.
    """
    if not is_folder(folder):
        raise StoreError(f"expected a folder, found none at {str(folder)!r}", "check the path")
    if _is_ours(folder):
        found = [_open(folder, "", version)]
    else:
        inner = _inside(folder, folder, version, _DEPTH)
        found = sorted(inner, key=lambda one: stages.STAGES.index(one.stage))
    if not found:
        raise StoreError(
            f"expected a folder that qa-parallel made, found none of its stages in {folder}",
            "give the folder of qa-parallel run, or of one of its other commands",
        )
    if not any(one.whole for one in found):
        first = found[0]
        raise StoreError(f"expected a stage that is whole, found {first.folder}: {first.problem}")
    return found


def first(found: Sequence[StageFolder], stage: Stage) -> StageFolder | None:
    """The first whole folder of `stage`; None without one."""
    return next((one for one in found if one.stage == stage and one.whole), None)


def _is_ours(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (folders.MANIFEST, folders.SETTINGS)) and (
        folders.MADE_BY in _read(folder).get("made_by", "")
    )


def _read(folder: Path) -> dict[str, Any]:
    """The settings of a folder, or its manifest; empty where neither can be read."""
    for name in (folders.SETTINGS, folders.MANIFEST):
        try:
            return store.read_json(folder / name)
        except StoreError:
            continue
    return {}


def _inside(folder: Path, root: Path, version: int, depth: int) -> Iterator[StageFolder]:
    for inner in sorted(one for one in folder.iterdir() if is_folder(one)):
        if _is_ours(inner):
            yield _open(inner, str(inner.relative_to(root)), version)
        elif depth > 1 and not inner.name.startswith("."):
            yield from _inside(inner, root, version, depth - 1)


def _open(folder: Path, name: str, version: int) -> StageFolder:
    described = _read(folder)
    if not (folder / folders.MANIFEST).is_file():
        return StageFolder(stages.of(described), name, folder, {}, _HALF)
    try:
        manifest = store.read_json(folder / folders.MANIFEST)
        whole = folders.is_whole(folder)
    except (StoreError, KeyError, TypeError, AttributeError):
        problem = "its manifest cannot be read"
        return StageFolder(stages.of(described), name, folder, {}, problem)
    stage = stages.of(manifest)
    if manifest.get("version") != version:
        return StageFolder(stage, name, folder, {}, _OTHER)
    # a corpus that was copied for its rows alone has these to show
    alone = name == "" and manifest.get("kind") == "corpus"
    if not alone:
        whole &= all((folder / one).is_file() for one in stage.files)
    return StageFolder(stage, name, folder, manifest, "" if whole else _LOST)
