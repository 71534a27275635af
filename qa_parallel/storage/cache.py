"""Where caches are, and the SQLite file that keeps what is known of a text."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_parallel import places
from qa_parallel.errors import StoreError

# KiB of memory for pages of a cache that is open; there is one for each target language.
_PAGES = 16 * 1024
_IN = 500  # SQLite's parameters per statement, kept well below its limit


def cache_folder(given: Path | None) -> Path:
    """Where converted models, translations and vectors are kept.

    `given` is what the user asks for; None = $QA_PARALLEL_CACHE or ~/.cache/qa-parallel.

    Raises
    ------
    StoreError
        No folder can be there.
    """
    named = given or os.environ.get("QA_PARALLEL_CACHE") or "~/.cache/qa-parallel"
    folder = places.home(named)
    places.refuse_unwritable(folder, "--cache")
    return folder


class TextCache:
    """A SQLite file whose keys are texts; a subclass says what it knows of them.

    What a `store` call is given becomes visible whole or not at all, also after `kill -9`.
    """

    kind: str
    columns: dict[str, str]

    def __init__(self, path: Path) -> None:
        self.path = path
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Writers of two runs wait for each other; a minute is far beyond one transaction.
            self._db = sqlite3.connect(path, timeout=60, check_same_thread=False)
            self._db.execute(f"PRAGMA cache_size = -{_PAGES}")
            # Rows in the order of arrival, and a small index for the keys, whose order is random:
            # with the rows themselves in that order each new one would rewrite a page of others.
            with self._db:
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {self.kind}s (key BLOB PRIMARY KEY, {columns})"
                )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot use the {self.kind} cache {path}: {error}",
                "delete that file if it is broken, or name another folder with --cache",
            ) from None

    def close(self) -> None:
        self._db.close()

    def _select(self, texts: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """A text, then its columns, for those `texts` that are in the cache."""
        by_key = {_key(text): text for text in texts}
        with self._guarded():
            for keys in _slices(sorted(by_key), _IN):
                marks = ",".join("?" * len(keys))
                rows = self._db.execute(
                    f"SELECT key, {', '.join(self.columns)} FROM {self.kind}s "
                    f"WHERE key IN ({marks})",
                    keys,
                )
                for key, *values in rows:
                    yield by_key[key], *values

    def _insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of a text and its columns, in one transaction."""
        # In the order of the keys, so that each page of the tree is written once.
        keyed = sorted((_key(text), *values) for text, *values in rows)
        marks = ",".join("?" * (1 + len(self.columns)))
        with self._guarded(), self._db:
            self._db.executemany(f"INSERT OR REPLACE INTO {self.kind}s VALUES ({marks})", keyed)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the {self.kind} cache {self.path} failed: {error}",
                "free some disk space, or name another folder with --cache; "
                "then start the same command again",
            ) from None
        except sqlite3.Error as error:
            raise StoreError(
                f"the {self.kind} cache {self.path} is damaged: {error}",
                "delete that file: what it held is made again",
            ) from None


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _slices(keys: list[bytes], size: int) -> Iterable[list[bytes]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
