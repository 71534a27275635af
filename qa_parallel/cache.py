"""Translations that are already known, on disk, so that no segment is translated twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qa_parallel.errors import StoreError

# KiB of memory for pages of a cache that is open; there is one for each target language.
_PAGES = 16 * 1024
_IN = 500  # SQLite's parameters per statement, kept well below its limit


@dataclass(frozen=True)
class Translation:
    """One translated segment.

    `logprob` is the sum over the `tokens` generated tokens (end token included); `flags` as in
    `qa_parallel.guards`, with "redecoded" where the second decoding was kept.
    """

    text: str
    logprob: float
    tokens: int
    flags: tuple[str, ...] = ()


class TranslationCache:
    """A SQLite file per (model digest, decoding settings, source, target); keys are texts.

    What a `store` call is given becomes visible whole or not at all, also after `kill -9`: a
    run that is killed and started again therefore meets the same cache at the same places as
    an unbroken one, and translates the same batches.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Writers of two runs wait for each other; a minute is far beyond one transaction.
            self._db = sqlite3.connect(path, timeout=60, check_same_thread=False)
            self._db.execute(f"PRAGMA cache_size = -{_PAGES}")
            # Rows in the order of arrival, and a small index for the keys, whose order is random:
            # with the rows themselves in that order each new one would rewrite a page of others.
            with self._db:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS translations (key BLOB PRIMARY KEY, text TEXT, "
                    "logprob REAL, tokens INTEGER, flags TEXT)"
                )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot use the translation cache {path}: {error}",
                "delete that file if it is broken, or name another folder with --cache",
            ) from None

    def close(self) -> None:
        self._db.close()

    def known(self, texts: Sequence[str]) -> dict[str, Translation]:
        """The translations of those `texts` that are in the cache."""
        by_key = {_key(text): text for text in texts}
        found: dict[str, Translation] = {}
        with self._guarded():
            for keys in _slices(sorted(by_key), _IN):
                marks = ",".join("?" * len(keys))
                rows = self._db.execute(
                    "SELECT key, text, logprob, tokens, flags FROM translations "
                    f"WHERE key IN ({marks})",
                    keys,
                )
                for key, text, logprob, tokens, flags in rows:
                    found[by_key[key]] = Translation(text, logprob, tokens, _split(flags))
        return found

    def store(self, translations: Mapping[str, Translation]) -> None:
        """Add `translations` (source text to translation) in one transaction."""
        # In the order of the keys, so that each page of the tree is written once.
        rows = sorted(
            (_key(source), item.text, item.logprob, item.tokens, ",".join(item.flags))
            for source, item in translations.items()
        )
        with self._guarded(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO translations VALUES (?,?,?,?,?)", rows)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the translation cache {self.path} failed: {error}",
                "free some disk space, or name another folder with --cache; "
                "then start the same command again",
            ) from None
        except sqlite3.Error as error:
            raise StoreError(
                f"the translation cache {self.path} is damaged: {error}",
                "delete that file: what it held is translated again",
            ) from None


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _split(flags: str) -> tuple[str, ...]:
    return tuple(flags.split(",")) if flags else ()


def _slices(keys: list[bytes], size: int) -> Iterable[list[bytes]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
