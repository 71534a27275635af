"""The translation of a source into a corpus folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa_parallel.errors import LanguageError
from qa_parallel.places import home
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.source import Source, open_source
from qa_parallel.storage import folders
from qa_parallel.storage import summary as storage_summary
from qa_parallel.storage.cache import cache_folder
from qa_parallel.storage.corpus import CorpusWriter, Stats
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage
from qa_parallel.text import counted
from qa_parallel.translation import summary
from qa_parallel.translation.decoding.engine import Engine, resolved
from qa_parallel.translation.models.model import Model, is_ready, resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.runner import Local, Reporter, Runner
from qa_parallel.translation.settings import AUTO, TranslateSettings
from qa_parallel.translation.vocabulary.text import LanguageText, open_text

# Raise it when the same source, model and settings would give other rows than before.
VERSION = 2


def translate(
    source_settings: SourceSettings,
    model_settings: ModelSettings,
    settings: TranslateSettings,
    out: Path,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    title: str = "",
    engine: Engine | None = None,
) -> Outcome:
    """Translate a source into a parallel corpus under `out`, continuing where a run was stopped.

    The unit of work is a window of source rows in one language. It is committed to the cache
    in one transaction and to the folder by rename, so that whatever a kill interrupts is done
    again from the same state, in the same batches.

    Parameters
    ----------
    engine:
        One that is loaded already, with these settings. None: it is made here.

    Raises
    ------
    StoreError
        `out` belongs to other settings, is locked by another process, or cannot be written.
    """
    folders.refuse_foreign(out)  # before any work
    job = prepare_translation(
        source_settings, model_settings, settings, reporter, title=title, engine=engine
    )
    with closing(job):
        return carry_out(job, out, fresh(overwrite))


def prepare_translation(
    source_settings: SourceSettings,
    model_settings: ModelSettings,
    settings: TranslateSettings,
    reporter: Reporter,
    *,
    title: str = "",
    engine: Engine | None = None,
) -> Job:
    """The job of `translate`; the model is found, and converted where it must be, not loaded."""
    source = open_source(source_settings)
    if settings.to == (source.language,):
        raise LanguageError(
            f"expected a language to translate into, found {source.language} alone",
            "the source language is a member of the corpus without being asked for",
        )
    model = engine.model if engine else resolve(model_settings)
    settings = settings.into(model.languages)
    targets = tuple(code for code in settings.to if code != source.language)
    text = _open_text(settings, targets)
    model.require((source.language, *targets))
    runner = _runner(model, model_settings, settings, source.language, text, engine)
    described = _describe(source_settings, source, settings, model, runner, targets, text)

    def make(out: Path) -> dict[str, Any]:
        reporter.start(model, source, targets)
        stats = {code: Stats() for code in (source.language, *targets)}
        places = set()
        for unit in runner.units(source, settings.window_rows, out / folders.WORK, reporter):
            places.add(unit.folder)
            stats[unit.language] += unit.stats
            reporter.unit(unit.language, unit.stats, unit.resumed)
        order = sorted(places, key=lambda folder: int(folder.name))
        manifest = _finish(out, described, source, stats, order, settings, title)
        reporter.finish()
        return {**manifest, **runner.report()}

    questions = "questions" if source.total is None else counted(source.total, "question")
    words = f"{questions} into {counted(len(targets), 'language')}"
    return Job(described, make, close=runner.close, keeps=STAGE.keeps, words=words)


def _runner(
    model: Model,
    model_settings: ModelSettings,
    settings: TranslateSettings,
    source: str,
    text: LanguageText | None,
    engine: Engine | None,
) -> Runner:
    targets = tuple(code for code in settings.to if code != source)
    if settings.engine == "local":
        full = engine.settings if engine else resolved(settings)
        restrict = settings.restrict_vocabulary is not None

        def load() -> Engine:
            return engine or Engine(model, settings, source)

        cache = cache_folder(model_settings.cache)
        return Local(full.signature(), load, cache, targets, restrict, text)
    from qa_parallel.translation.cluster import Cluster

    return Cluster(model, model_settings, settings, source, targets, text)


def _open_text(settings: TranslateSettings, targets: tuple[str, ...]) -> LanguageText | None:
    """The user's text for lists of tokens. None where there is none, or no lists are wanted."""
    given = settings.restrict_vocabulary
    return None if given in (None, AUTO) else open_text(home(given), targets)


def _describe(
    source_settings: SourceSettings,
    source: Source,
    settings: TranslateSettings,
    model: Model,
    runner: Runner,
    targets: tuple[str, ...],
    text: LanguageText | None,
) -> dict[str, Any]:
    """All that shapes the data files, for comparing with what a folder was made with."""
    given = settings.restrict_vocabulary
    lists = {} if given is None else {"restrict_vocabulary": text.digest if text else given}
    return description(
        STAGE.name,
        VERSION,
        {
            "to": list(targets),
            **runner.signature,
            **lists,
            "window_rows": settings.window_rows,
            "shard_rows": settings.shard_rows,
        },
        source={
            **source_settings.model_dump(mode="json", exclude={"source"}),
            "source_language": source.language,
            "name": source.name,
            "digest": source.digest,
        },
        model={
            "name": model.name,
            "revision": model.revision,
            "digest": model.digest,
            "license": model.license,
        },
    )


def _finish(
    out: Path,
    described: dict[str, Any],
    source: Source,
    stats: Mapping[str, Stats],
    places: Sequence[Path],
    settings: TranslateSettings,
    title: str,
) -> dict[str, Any]:
    per_shard = -(-settings.shard_rows // settings.window_rows)
    writer = CorpusWriter(out, list(stats), described["source"]["split"])
    for language, mine in stats.items():
        parts = [folders.part(folder, language) for folder in places]
        writer.take(language, parts, per_shard, mine)
    manifest = writer.finish(
        described,
        title or f"{source.name.rsplit('@')[0]} in {len(stats)} languages",
        f"Made by qa-parallel from {source.name} with {described['model']['name']}. "
        "Counts, digests and settings: manifest.json.",
    )
    return {
        **manifest,
        "source_counts": asdict(source.counts),
        "layout": {source.name: source.account.to_json()},
    }


def _prepare(context: Context) -> Job:
    tables = context.tables
    return prepare_translation(
        tables["source"],
        tables["model"],
        tables["translate"],
        context.tools.reporter,
        title=context.title,
    )


STAGE = Stage(
    name="translate",
    title="Translate",
    makes="corpus",
    words=summary.words,
    brief=lambda outcome: storage_summary.brief(outcome.manifest),
    summary=lambda outcome: storage_summary.counts(outcome.manifest),
    keeps="known translations stay in the cache",
    recipe=RecipeStep("translated", _prepare, ready=lambda tables: is_ready(tables["model"])),
)
