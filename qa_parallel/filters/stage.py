"""A corpus in; out the rows that pass the filters, the rejected ones with reasons, and a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.encoders import encoder as encoders
from qa_parallel.errors import SourceError, StoreError
from qa_parallel.filters import summary
from qa_parallel.filters.checks import Check, together
from qa_parallel.filters.kept import REJECTED, Origins, write_rows
from qa_parallel.filters.language import Identifier, digest
from qa_parallel.filters.meaning import Encode
from qa_parallel.filters.measure import VERSION, identifier_of
from qa_parallel.filters.scores import Measurer, read_scores
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.workers import Workers
from qa_parallel.sources.inputs import Input, open_input
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage import summary as storage_summary
from qa_parallel.storage.corpus import CorpusWriter
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage

DECISIONS_FILE = "decisions.parquet"
LIMITS_FILE = "limits.parquet"
REPORT = "report.json"

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
        judged again, with another `version` it is measured again, and nothing else is.
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
    encoder = None if settings.encoder is None else encoders.find_encoder(settings.encoder)
    tools = _tools(given, identifier, encoder)
    described = _describe(given, settings, tools, checks)

    def make(out: Path) -> dict[str, Any]:
        origins = Origins(given, settings.pivot)
        measurer = Measurer(
            given,
            out,
            settings,
            tools,
            origins,
            identifier,
            encoder,
            encode,
            tuple(checks),
            crew,
            tell,
        )
        tell("measuring")
        limits, decisions = measurer.decide()
        tell("writing")
        writer = CorpusWriter(out, given.languages, given.split, [REJECTED])
        funnels = write_rows(writer, given, settings.pivot, decisions, origins, workers, names)
        return _finish(out, writer, given, limits, decisions, described, funnels)

    manifest = dict(given.manifest)
    return Job(
        described, make, input=manifest, close=crew.close, keeps=STAGE.keeps, words=given.words
    )


def _finish(
    out: Path,
    writer: CorpusWriter,
    given: Input,
    limits: pl.DataFrame,
    decisions: pl.DataFrame,
    described: dict[str, Any],
    funnels: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """All files beside the rows but the manifest, which it returns."""
    store.write_parquet(out / DECISIONS_FILE, decisions)
    store.write_parquet(out / LIMITS_FILE, limits)
    detectors = described["filter"]["detectors"]
    report = {
        "corpus": described["corpus"],
        "languages": {
            code: {"detector": detectors[code] and detectors[code]["name"], **funnel}
            for code, funnel in funnels.items()
        },
        "limits": limits.to_dicts(),
        "detected": any(detectors.values()),
    }
    store.write_json(out / REPORT, report)
    manifest = writer.finish(
        described,
        f"{given.name.rsplit('@')[0]} filtered",
        f"Made by qa-parallel from {given.name}. Rejected rows, with reasons: {REJECTED}/. "
        f"What was rejected and why: {REPORT}, {DECISIONS_FILE}, {LIMITS_FILE}. Counts, digests "
        "and settings: manifest.json.",
    )
    return {
        **manifest,
        "source_counts": {
            code: {name: funnel[name] for name in ("rows", "kept", "rejected")}
            for code, funnel in funnels.items()
        },
        "reasons": {
            code: {
                reason: {name: counts[name] for name in ("rejected", "alone", "left")}
                for reason, counts in funnel["reasons"].items()
            }
            for code, funnel in funnels.items()
        },
        "layout": dict(given.layout),
    }


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


def _describe(
    given: Input, settings: FilterSettings, tools: dict[str, Any], checks: Sequence[Check]
) -> dict[str, Any]:
    """All that shapes the outcome, for comparing with what a folder was made with."""
    return description(
        STAGE.name,
        VERSION,
        {
            **settings.model_dump(mode="json", exclude={"encoder", "detector"}),
            **tools,
            "checks": {check.name: check.described() for check in checks},
        },
        corpus={"name": given.name, "digest": given.digest},
    )


def _tools(given: Input, identifier: Identifier | None, encoder: Path | None) -> dict[str, Any]:
    """What measures besides ourselves: identifiers by language, and the encoder's digest."""
    names = {code: identifier and identifier.detector(code) for code in given.languages}
    return {
        "detectors": {code: name and digest(name) for code, name in names.items()},
        "encoder": encoder and encoders.digest(encoder),
    }


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
    keeps="scores that still hold are kept",
    files=(REPORT, DECISIONS_FILE),
    recipe=RecipeStep("filtered", _prepare, reads="corpus"),
)
