"""The translation of a source into a corpus folder: windows, their commits, resume."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from qa_parallel import dataset, store
from qa_parallel.cache import TranslationCache
from qa_parallel.engine import Done, Engine, OnBatch, ignore
from qa_parallel.errors import LanguageError
from qa_parallel.language_text import LanguageText, open_text
from qa_parallel.models import Model, ModelSettings, cache_folder, resolve
from qa_parallel.restricted import Restricted
from qa_parallel.schema import CORPUS
from qa_parallel.sources import Source, SourceSettings, open_source
from qa_parallel.stages import folders
from qa_parallel.stages.folders import Outcome
from qa_parallel.stages.vocabulary import Vocabularies
from qa_parallel.translate import (
    AUTO,
    Decoded,
    Stats,
    TranslateSettings,
    Window,
    assemble,
    decode,
    prepare,
)


class Reporter(Protocol):
    """Who is told how a translation goes; the CLI draws it, tests ignore it."""

    def start(self, model: Model, source: Source, targets: tuple[str, ...]) -> None: ...

    def begin(self, language: str, rows: int, tokens: int) -> None: ...

    def batch(self, language: str, done: Done) -> None: ...

    def unit(self, language: str, stats: Stats, resumed: bool) -> None: ...

    def finish(self) -> None: ...


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
    """Translate a source into a parallel corpus under `out`, going on where a run was stopped.

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
    targets = tuple(code for code in settings.to if code != source_settings.source_language)
    if not targets:
        raise LanguageError(
            f"expected a language to translate into, found {source_settings.source_language} alone",
            "the source language is a member of the corpus without being asked for",
        )
    folders.refuse_foreign(out)  # before any work, and before a lock file is left in it
    source = open_source(source_settings)
    text = _open_text(settings, targets)
    if engine is None:
        model = resolve(model_settings)
        model.require((source_settings.source_language, *targets))
        engine = Engine(model, settings, source_settings.source_language)
    described = _describe(source_settings, source, settings, engine, targets, text)
    with store.locked(out):
        if not folders.claim(out, described, overwrite):
            return folders.complete(out)
        reporter.start(engine.model, source, targets)
        stats = {code: Stats() for code in (engine.source, *targets)}
        places: dict[Path, None] = {}
        home, cache = out / folders.WORK, cache_folder(model_settings)
        lists = Vocabularies(engine, home, cache, text) if settings.restrict_vocabulary else None
        with closing(Worker(engine, cache, targets)) as worker:
            windows = _windows(source, settings.window_rows, worker, home)
            for unit in _units(windows, worker, lists, reporter):
                places[unit.folder] = None
                stats[unit.language] += unit.stats
                reporter.unit(unit.language, unit.stats, unit.resumed)
        manifest = _finish(out, described, source, stats, list(places), settings, title)
        if lists is not None:
            manifest["vocabulary"] = lists.report(targets)
        store.write_json(out / dataset.MANIFEST, manifest)
        store.remove(out / folders.WORK)
        reporter.finish()
    return Outcome(out, manifest)


class Worker:
    """A loaded model and its caches: decodes windows, and commits what comes of them.

    Decoding belongs to one thread. Committing may go on in another one at the same time, since
    it does not touch the model.
    """

    def __init__(self, engine: Engine, cache: Path, targets: Sequence[str]) -> None:
        self.engine = engine
        self.languages = (engine.source, *targets)
        self._home = cache / "translations"
        self._caches: dict[tuple[str, str], TranslationCache] = {}
        for target in targets:
            self._cache(target, None)

    def close(self) -> None:
        """Close the caches."""
        for cache in self._caches.values():
            cache.close()

    def decode(
        self,
        window: Window,
        language: str,
        on_batch: OnBatch = ignore,
        restricted: Restricted | None = None,
    ) -> Decoded | None:
        """Translations of the window's segments. None for the source language: none are needed."""
        if language == self.engine.source:
            return None
        cache = self._cache(language, restricted)
        return decode(window, language, restricted or self.engine, cache, on_batch)

    def _cache(self, language: str, restricted: Restricted | None) -> TranslationCache:
        """What is decoded within a list is kept apart from what is not, and from other lists."""
        listed = restricted.vocabulary.digest if restricted else ""
        if (language, listed) not in self._caches:
            engine = self.engine
            key = {"model": engine.model.digest, **engine.settings.signature()}
            key |= {"vocabulary": listed} if listed else {}
            home = self._home / store.fingerprint(key)
            path = home / f"{engine.source}-{language}.sqlite"
            self._caches[language, listed] = TranslationCache(path)
        return self._caches[language, listed]

    def commit(self, folder: Path, window: Window, language: str, decoded: Decoded | None) -> Stats:
        """Put the rows together and write them, then the marker that says so."""
        if decoded is None:
            rows = window.rows.select(CORPUS.names())
            stats = Stats(rows=rows.height, spans=rows["answer_start"].count())
        else:
            model = self.engine.model
            name = f"{model.name}@{model.revision or model.digest[:12]}"
            rows, stats = assemble(window, decoded, language, name)
        store.write_parquet(folders.part(folder, language), rows)
        store.write_json(_stats_path(folder, language), stats.to_json())
        return stats


@dataclass(frozen=True)
class _Work:
    """One window: where its parts go, and its rows, cut and tokenised. None = all is done."""

    folder: Path
    window: Window | None


@dataclass(frozen=True)
class _Unit:
    """One window in one language, committed."""

    folder: Path
    language: str
    stats: Stats
    resumed: bool = False


def _windows(source: Source, rows: int, worker: Worker, home: Path) -> Iterator[_Work]:
    """Windows in source order; the next is read and tokenised while this one is translated."""
    frames = enumerate(source.frames(rows))

    def following() -> _Work | None:
        number, frame = next(frames, (0, None))
        if frame is None:
            return None
        folder = home / f"{number:06d}"
        done = all(_is_done(folder, code) for code in worker.languages)
        return _Work(folder, None if done else prepare(frame, worker.engine))

    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(following)
        while (work := upcoming.result()) is not None:
            upcoming = pool.submit(following)
            yield work


def _units(
    windows: Iterable[_Work], worker: Worker, lists: Vocabularies | None, reporter: Reporter
) -> Iterator[_Unit]:
    """Units as they are committed; a unit's rows are written while the next one is decoded."""
    waiting: deque[Future[_Unit]] = deque()
    earlier: list[Path] = []
    with ThreadPoolExecutor(max_workers=1) as pool:
        for work in windows:
            for language in worker.languages:
                # One unit may still be written: the one before, of another language than this.
                choose = partial(lists.choose, earlier=tuple(earlier)) if lists else None
                waiting.append(_start(work, language, worker, choose, reporter, pool))
                while len(waiting) > 1:
                    yield waiting.popleft().result()
            earlier.append(work.folder)
        while waiting:
            yield waiting.popleft().result()


def _start(
    work: _Work,
    language: str,
    worker: Worker,
    choose: Callable[[str, Window], Restricted | None] | None,
    reporter: Reporter,
    pool: ThreadPoolExecutor,
) -> Future[_Unit]:
    """Decode a unit unless it is done; what is left of it goes to `pool`."""
    folder, window = work.folder, work.window
    if window is None or _is_done(folder, language):
        stats = Stats.from_json(store.read_json(_stats_path(folder, language)))
        return pool.submit(lambda: _Unit(folder, language, stats, resumed=True))
    restricted = None
    if language != worker.engine.source:
        restricted = choose(language, window) if choose else None
        reporter.begin(language, window.rows.height, sum(map(len, window.tokens)))
    decoded = worker.decode(
        window, language, lambda done: reporter.batch(language, done), restricted
    )
    return pool.submit(
        lambda: _Unit(folder, language, worker.commit(folder, window, language, decoded))
    )


def _stats_path(folder: Path, language: str) -> Path:
    """The marker that a unit is done: written after its rows."""
    return folder / f"{language}.json"


def _is_done(folder: Path, language: str) -> bool:
    return all(path(folder, language).exists() for path in (_stats_path, folders.part))


def _open_text(settings: TranslateSettings, targets: tuple[str, ...]) -> LanguageText | None:
    """The user's text for lists of tokens. None where there is none, or no lists are wanted."""
    given = settings.restrict_vocabulary
    return None if given in (None, AUTO) else open_text(Path(given).expanduser(), targets)


def _describe(
    source_settings: SourceSettings,
    source: Source,
    settings: TranslateSettings,
    engine: Engine,
    targets: tuple[str, ...],
    text: LanguageText | None,
) -> dict[str, Any]:
    """All that shapes the data files, for comparing with what a folder was made with."""
    model = engine.model
    given = settings.restrict_vocabulary
    lists = {} if given is None else {"restrict_vocabulary": text.digest if text else given}
    return {
        "made_by": folders.MADE_BY,
        "version": folders.VERSION,
        "source": {
            **source_settings.model_dump(mode="json", exclude={"source"}),
            "name": source.name,
            "digest": source.digest,
        },
        "model": {
            "name": model.name,
            "revision": model.revision,
            "digest": model.digest,
            "license": model.license,
        },
        "translate": {
            "to": list(targets),
            **engine.settings.signature(),
            **lists,
            "window_rows": settings.window_rows,
            "shard_rows": settings.shard_rows,
        },
    }


def _finish(
    out: Path,
    described: dict[str, Any],
    source: Source,
    stats: Mapping[str, Stats],
    places: Sequence[Path],
    settings: TranslateSettings,
    title: str,
) -> dict[str, Any]:
    split = described["source"]["split"]
    per_shard = -(-settings.shard_rows // settings.window_rows)
    files: dict[str, Any] = {}
    store.remove(out / dataset.DATA)
    for language in stats:
        parts = [folders.part(folder, language) for folder in places]
        files |= dataset.write_shards(out, language, split, parts, per_shard)
    dataset.write_readme(
        out,
        title or f"{source.name.rsplit('@')[0]} in {len(stats)} languages",
        list(stats),
        split,
        f"Made by qa-parallel from {source.name} with {described['model']['name']}. "
        "Counts, digests and settings: manifest.json.",
    )
    counts = {code: item.to_json() for code, item in stats.items()}
    return {**folders.manifest(described, counts, files), "source_counts": asdict(source.counts)}
