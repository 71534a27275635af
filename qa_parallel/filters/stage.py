"""A corpus in; out the rows that pass the filters, the rejected ones with reasons, and a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.errors import SourceError, StoreError
from qa_parallel.filters import summary
from qa_parallel.filters.checks import SCORES, Check, scores_schema, together
from qa_parallel.filters.kept import (
    DECISIONS_FILE,
    LIMITS_FILE,
    REJECTED,
    REPORT,
    Origins,
    write_filtered,
)
from qa_parallel.filters.language import Identifier, digest
from qa_parallel.filters.limits import KEY, bounds, few, judge
from qa_parallel.filters.meaning import Encode
from qa_parallel.filters.measure import VERSION, identifier_of, score_language, score_own
from qa_parallel.filters.settings import FilterSettings, MeasureSettings
from qa_parallel.filters.workers import Workers
from qa_parallel.schema import DECISIONS
from qa_parallel.sources.inputs import Input, open_input
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage import summary as storage_summary
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage

# Kept when limits change: it does not depend on them.
SCORES_FOLDER = Path("work", "scores")

Tell = Callable[[str], None]


def filter_corpus(
    corpus: SourceSettings,
    settings: FilterSettings,
    out: Path,
    *,
    checks: Sequence[Check] = (),
    overwrite: bool = False,
    workers: int = 1,
    encode: Encode | None = None,
    tell: Tell = lambda _: None,
) -> Outcome:
    """Measure a corpus, decide, and write what is kept and what is rejected under `out`.

    Scores are kept in `out`, a file for each language, and are not measured again by a run that
    was stopped, or with other limits (and `overwrite`).

    Parameters
    ----------
    corpus:
        A corpus folder, or what `open_source` reads.
    checks:
        One's own, besides those of the table. Each is measured once: with another limit it is only
        judged anew, with another `version` it is measured again, and nothing else is.
    workers:
        Processes that look at texts, and languages that are worked on at a time.
    encode:
        Texts to unit vectors. None: the encoder that the settings name, if any, is loaded.
    tell:
        Told in a few words what is being done.

    Raises
    ------
    SourceError
        The corpus cannot be read, has no rows, or has fewer languages than a question must be
        left in; the identifier is unknown or not installed.
    RecipeError
        A check of one's own has a name that there is already, or does not give a number a row.
    StoreError
        The corpus is half-written; `out` belongs to other settings or to something else.

    Examples
    --------
    >>> def capitals(rows):
    ...     return rows["text"].str.count_matches(r"\\p{Lu}") / rows["text"].str.len_chars()
    >>> shouting = Check("shouting", capitals, limit=0.5, field=("question", "passage"))
    >>> corpus = SourceSettings(source="corpus")
    >>> filter_corpus(corpus, FilterSettings(), Path("clean"), checks=[shouting])  # doctest: +SKIP
    """
    folders.refuse_same(out, corpus.source)
    folders.refuse_foreign(out)
    job = prepare_filter(corpus, settings, checks=checks, workers=workers, encode=encode, tell=tell)
    with closing(job):
        return carry_out(job, out, fresh(overwrite))


def prepare_filter(
    corpus: SourceSettings,
    settings: FilterSettings,
    *,
    checks: Sequence[Check] = (),
    workers: int = 1,
    encode: Encode | None = None,
    tell: Tell = lambda _: None,
) -> Job:
    """The job of `filter_corpus`."""
    names = tuple(together(checks))
    given = open_input(corpus)
    if settings.min_languages > len(given.languages):
        raise SourceError(
            f"expected min_languages of at most {len(given.languages)}, as many as {given.name} "
            f"has, found {settings.min_languages}",
            "no question could be left",
        )
    crew = Workers(workers)
    identifier = identifier_of(settings, crew)
    described = _describe(given, settings, identifier, checks)

    def make(out: Path) -> dict[str, Any]:
        origins = Origins(given, settings.pivot)
        measurer = _Measurer(
            given, out, settings, origins, identifier, encode, tuple(checks), crew, tell
        )
        tell("measuring")
        limits, decisions = measurer.decide()
        tell("writing")
        return write_filtered(
            out, given, settings, limits, decisions, described, origins, workers, names
        )

    return Job(described, make, input=dict(given.manifest), close=crew.close)


def explain(out: Path, qa_id: str) -> Any:
    """A table of all scores of one question in a finished folder, beside their limits.

    Raises
    ------
    StoreError
        `out` is no folder of filtered rows, or not complete.
    SourceError
        It knows no question of that id.
    """
    if not (out / folders.MANIFEST).is_file() or not (out / LIMITS_FILE).is_file():
        raise StoreError(
            f"expected a complete folder of the command filter in {out}, found none",
            "run qa-parallel filter CORPUS --out FOLDER first",
        )
    found = read_scores(out, qa_id)
    if found.is_empty():
        raise SourceError(
            f"expected the id of a question in {out}, found {qa_id!r}",
            "ids are in the column qa_id of the corpus",
        )
    decisions = store.read_parquet(out / DECISIONS_FILE).filter(qa_id=qa_id)
    return summary.explain(found, store.read_parquet(out / LIMITS_FILE), decisions)


def read_scores(out: Path, qa_id: str | None = None) -> pl.DataFrame:
    """SCORES of a finished folder, names as strings: of one question, or None = of all."""
    own = store.read_json(out / folders.MANIFEST)[STAGE.name]["checks"]
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


def _describe(
    given: Input,
    settings: FilterSettings,
    identifier: Identifier | None,
    checks: Sequence[Check],
) -> dict[str, Any]:
    """All that shapes the outcome, for comparing with what a folder was made with."""
    return description(
        STAGE.name,
        VERSION,
        {
            **settings.model_dump(mode="json", exclude={"encoder", "detector"}),
            **_tools(given, settings, identifier),
            "checks": {check.name: check.described() for check in checks},
        },
        corpus={"name": given.name, "digest": given.digest},
    )


def _tools(
    given: Input, settings: MeasureSettings, identifier: Identifier | None
) -> dict[str, Any]:
    """What measures besides ourselves: identifiers by language, and the encoder's weights."""
    names = {code: identifier and identifier.detector(code) for code in given.languages}
    weights = sorted(settings.encoder.glob("*.safetensors")) if settings.encoder else []
    return {
        "detectors": {code: name and digest(name) for code, name in names.items()},
        "encoder": [store.digest(path) for path in weights],
    }


@dataclass
class _Measurer:
    """Measures and judges the languages of a corpus, several at a time."""

    given: Input
    out: Path
    settings: FilterSettings
    origins: Origins
    identifier: Identifier | None
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
        if waiting and self.settings.encoder is not None and self.encode is None:
            from qa_parallel.encoders.encoder import load_encoder

            encoder = load_encoder(self.settings.encoder)
            self.encode = partial(encoder, prefix=self.settings.prefix)
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
                **_tools(self.given, self.settings, self.identifier),
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


def _prepare(context: Context) -> Job:
    return prepare_filter(
        SourceSettings(source=str(context.input)),
        context.tables["filter"],
        workers=context.tools.workers,
        tell=context.tools.tell,
    )


def _summary(outcome: Outcome) -> Iterator[Any]:
    yield from summary.describe(store.read_json(outcome.folder / REPORT))
    yield (
        f"Kept rows are in {outcome.folder}/{folders.DATA}, rejected ones in "
        f"{outcome.folder}/{REJECTED}."
    )


STAGE = Stage(
    name="filter",
    title="Filter",
    makes="corpus",
    words=summary.words,
    brief=lambda outcome: storage_summary.brief(outcome.manifest),
    summary=_summary,
    files=(REPORT, DECISIONS_FILE),
    recipe=RecipeStep("filtered", _prepare, reads="corpus"),
)
