"""What lies in the cache folder, by kind; what of it may go.

Only what has the place and the name that we give is ours: whoever names a folder with other files
in it as the cache keeps them.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_parallel.errors import SettingError, StoreError

_HEX = "[0-9a-f]"
# Of each kind: where it lies in the cache, and, of a folder, a file that it has.
_FORMS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "models": (
        (r"models/[\w-][\w.-]*/[\w-][\w.-]*", "qa_parallel_model.json"),
        (rf"restricted/{_HEX}{{16}}-{_HEX}+", "vmap.txt"),
        (rf"digests/{_HEX}{{64}}", None),
    ),
    "translations": ((rf"translations/{_HEX}{{16}}/[\w-]+\.sqlite", None),),
    "vectors": ((rf"vectors/{_HEX}{{16}}\.sqlite", None),),
    "rows": ((rf"rows/rows-{_HEX}{{16}}\.(parquet|jsonl)", None),),
}
KINDS = tuple(_FORMS)
_UNITS = {"d": 86400.0, "h": 3600.0}


@dataclass(frozen=True)
class Entry:
    """A file or a folder in the cache.

    Attributes
    ----------
    used:
        When it was last read or written, in seconds since the epoch.
    """

    kind: str
    path: Path
    bytes: int
    used: float


def contents(folder: Path) -> list[Entry]:
    """All that is ours in a cache folder, which need not exist."""
    return sorted(_entries(folder), key=lambda one: (KINDS.index(one.kind), one.path))


def choose(entries: Sequence[Entry], kind: str | None, older_than: str | None) -> list[Entry]:
    """Those of a kind, and not used for so long: "30d", "12h".

    Raises
    ------
    SettingError
        No such kind, no such time.
    """
    if kind is not None and kind not in KINDS:
        raise SettingError(f"expected one of {', '.join(KINDS)}, found {kind!r}")
    before = time.time() - (0 if older_than is None else _seconds(older_than))
    return [one for one in entries if kind in (None, one.kind) and one.used <= before]


def remove(folder: Path, entries: Sequence[Entry]) -> None:
    """Remove them; a folder goes out of sight first, so that no half one is taken for whole.

    Raises
    ------
    StoreError
        One cannot be removed.
    """
    for one in entries:
        aside = one.path.with_name(f".{one.path.name}.part-{os.getpid()}")
        try:
            if one.path.is_dir():
                one.path.rename(aside)
                shutil.rmtree(aside)
            else:
                for path in (one.path, *_beside(one.path)):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot remove {one.path}: {error.strerror}") from None


def _entries(folder: Path) -> Iterator[Entry]:
    for kind, forms in _FORMS.items():
        for form, holds in forms:
            depth = form.count("/")
            top = folder / form.partition("/")[0]
            for path in top.glob("/".join("*" * depth)):
                name = path.relative_to(folder).as_posix()
                if path.is_symlink() or not re.fullmatch(form, name):
                    continue
                if path.is_file() if holds is None else (path / holds).is_file():
                    yield _entry(kind, path)


def _entry(kind: str, path: Path) -> Entry:
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    stats = [one.lstat() for one in (*files, *_beside(path))]  # a link is small
    used = max((max(one.st_atime, one.st_mtime) for one in stats), default=0.0)
    return Entry(kind, path, sum(one.st_size for one in stats), used)


def _beside(path: Path) -> list[Path]:
    """What SQLite keeps beside a file of it."""
    names = [path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm")]
    return [one for one in names if path.suffix == ".sqlite" and one.is_file()]


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)\s*([dh])", text.strip())
    if found is None:
        raise SettingError(f"expected a time as 30d or 12h, found {text!r}")
    return int(found[1]) * _UNITS[found[2]]
