"""The scores of a corpus, in files of their own: what is measured already is read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.encoders import encoder as encoders
from qa_parallel.errors import SourceError
from qa_parallel.filters.checks import SCORES, Check, scores_schema
from qa_parallel.filters.kept import Origins
from qa_parallel.filters.language import Identifier
from qa_parallel.filters.limits import KEY, bounds, few, judge
from qa_parallel.filters.meaning import Encode
from qa_parallel.filters.measure import VERSION, score_language, score_own
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.workers import Workers
from qa_parallel.schema import DECISIONS
from qa_parallel.sources.inputs import Input
from qa_parallel.storage import folders, store

# Kept when limits change: it does not depend on them.
SCORES_FOLDER = Path("work", "scores")

Tell = Callable[[str], None]


@dataclass
class Measurer:
    """Measures and judges the languages of a corpus, several at a time."""

    given: Input
    out: Path
    settings: FilterSettings
    tools: dict[str, Any]
    origins: Origins
    identifier: Identifier | None
    encoder: Path | None
    encode: Encode | None
    checks: tuple[Check, ...]
    workers: Workers
    tell: Tell

    def decide(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Limits as they hold and DECISIONS, language by language; then what is left over.

        SCORES of each language are in its files afterwards, one for the table of checks and one for
        each of the caller's own; where they are already, they are read.
        """
        waiting = [
            code for code in self.given.languages if not _is_kept(self._path(code), self._key)
        ]
        if waiting and self.encoder is not None and self.encode is None:
            loaded = encoders.load_encoder(self.encoder)
            self.encode = partial(loaded, prefix=self.settings.prefix)
        # One more than work, so that they need not wait; an encoder needs no company.
        threads_wanted = self.workers.count + 1 if self.encode is None else 1
        with ThreadPoolExecutor(threads_wanted) as threads:
            parts = list(threads.map(self._decide, self.given.languages))
        found = pl.concat([pl.DataFrame(schema=DECISIONS), *(decisions for _, decisions in parts)])
        limits = pl.concat([limits for limits, _ in parts])
        if limits.is_empty() and not any(frame.height for frame in self.given.frames(columns=KEY)):
            raise SourceError(
                f"expected rows in {self.given.name}, found none", "is this the right corpus?"
            )
        if self.settings.min_languages > 1:
            every = pl.concat(self.given.frames(columns=KEY))
            found = pl.concat([found, few(every, found, self.settings.min_languages)])
        return limits, found

    def _decide(self, code: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Limits and DECISIONS of one language."""
        scores = self._scores(code)
        limits = bounds(scores, self.settings.limits, self.checks)
        return limits, judge(scores, limits, self.checks)

    def _scores(self, code: str) -> pl.DataFrame:
        """All scores of one language, read where they are known, else measured."""

        @cache
        def rows() -> tuple[pl.DataFrame, pl.DataFrame]:
            self.tell(f"measuring {code}")
            target = pl.concat(self.given.frames(code))
            return target, self.origins.of(target)

        def table() -> pl.DataFrame:
            return score_language(
                *rows(), self.settings, self.identifier, self.encode, workers=self.workers
            )

        def own(check: Check) -> pl.DataFrame:
            return score_own(check, *rows(), self.settings, self.workers)

        scores = _kept(self._path(code), self._key, table)
        if not self.checks:
            return scores
        more = [
            _kept(self._path(code, check), self._key_of(check), partial(own, check))
            for check in self.checks
        ]
        types = scores_schema(self.checks)
        return pl.concat([one.cast(types) for one in (scores, *more)])

    def _path(self, code: str, check: Check | None = None) -> Path:
        name = code if check is None else f"{code}.{check.name}"
        return self.out / SCORES_FOLDER / f"{name}.parquet"

    @cached_property
    def _key(self) -> str:
        """What shapes the scores of the table of checks."""
        return store.fingerprint(
            {
                "version": VERSION,
                "corpus": self.given.digest,
                "measure": self.settings.model_dump(
                    mode="json", exclude={"limits", "min_languages", "encoder", "detector"}
                ),
                **self.tools,
            }
        )

    def _key_of(self, check: Check) -> str:
        """What shapes the scores of a check of one's own."""
        described = check.described()
        return store.fingerprint(
            {
                "corpus": self.given.digest,
                "pivot": self.settings.pivot,
                **{name: described[name] for name in ("fields", "version")},
            }
        )


def _kept(path: Path, key: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The scores in `path` if they are those of `key`; else they are made, and kept there."""
    if _is_kept(path, key):
        return store.read_parquet(path)
    scores = make()
    store.write_parquet(path, scores)
    store.write_json(path.with_suffix(".json"), {"fingerprint": key})
    return scores


def _is_kept(path: Path, key: str) -> bool:
    marker = path.with_suffix(".json")
    if not path.is_file() or not marker.is_file():
        return False
    return bool(store.read_json(marker)["fingerprint"] == key)


def read_scores(out: Path, qa_id: str | None = None) -> pl.DataFrame:
    """SCORES of a finished folder, names as strings: of one question, or None = of all."""
    own = store.read_json(out / folders.MANIFEST)["filter"]["checks"]
    wanted = pl.lit(True) if qa_id is None else pl.col("qa_id") == qa_id
    names = pl.col("field", "check").cast(pl.String)
    return pl.concat(
        [
            pl.scan_parquet(path, glob=False).filter(wanted).with_columns(names).collect()
            for path in sorted((out / SCORES_FOLDER).glob("*.parquet"))
            if path.stem.partition(".")[2] in ("", *own)  # others were asked for before
        ]
        or [pl.DataFrame(schema=SCORES).with_columns(names)]
    )
