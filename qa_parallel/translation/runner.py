"""Windows of source rows: decoded, committed, and found again by a run that goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from qa_parallel import schema
from qa_parallel.sources.source import Source
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import Stats
from qa_parallel.translation.cache import TranslationCache
from qa_parallel.translation.decoding.engine import Done, Engine, OnBatch, ignore
from qa_parallel.translation.models.model import Model
from qa_parallel.translation.vocabulary import choice
from qa_parallel.translation.vocabulary.choice import Vocabularies
from qa_parallel.translation.vocabulary.restricted import Restricted
from qa_parallel.translation.vocabulary.text import LanguageText
from qa_parallel.translation.window import Decoded, Window, assemble, decode, prepare


class Reporter(Protocol):
    """Who is told how a translation goes; the CLI draws it, tests ignore it."""

    def start(self, model: Model, source: Source, targets: tuple[str, ...]) -> None: ...

    def begin(self, language: str, rows: int, tokens: int) -> None: ...

    def batch(self, language: str, done: Done) -> None: ...

    def unit(self, language: str, stats: Stats, resumed: bool) -> None: ...

    def finish(self) -> None: ...


class Runner(Protocol):
    """What translates windows: this process, or a cluster."""

    # the settings that shape what comes out
    signature: dict[str, Any]

    def units(self, source: Source, rows: int, home: Path, reporter: Reporter) -> Iterator[Unit]:
        """Every window of `rows` rows in every language, as it is committed under `home`."""
        ...

    def report(self) -> dict[str, Any]:
        """What the manifest should say of how it was done."""
        ...

    def close(self) -> None:
        """Let go of files and processes."""
        ...


@dataclass(frozen=True)
class Unit:
    """One window in one language, committed."""

    folder: Path
    language: str
    stats: Stats
    resumed: bool = False


class Local:
    """Translates in this process: reads ahead, decodes, and writes behind.

    Parameters
    ----------
    signature:
        The settings that shape what comes out.
    load:
        Loads the engine, when there is something to be done.
    text:
        Where lists of tokens are learned from; None = the run itself.
    """

    def __init__(
        self,
        signature: dict[str, Any],
        load: Callable[[], Engine],
        cache: Path,
        targets: Sequence[str],
        restrict: bool = False,
        text: LanguageText | None = None,
    ) -> None:
        self.signature = signature
        self._load = load
        self._worker: Worker | None = None
        self._targets = tuple(targets)
        self._cache, self._restrict, self._text = cache, restrict, text
        self._report: dict[str, Any] = {}

    def units(self, source: Source, rows: int, home: Path, reporter: Reporter) -> Iterator[Unit]:
        """As `Runner.units`, in the order of the source."""
        lists = None
        self._worker = worker = Worker(self._load(), self._cache, self._targets)
        if self._restrict:
            ahead = choice.texts_ahead(source)
            lists = Vocabularies(worker.engine, home, self._cache, ahead, self._text)
        windows = _windows(source, rows, worker, home)
        yield from _units(windows, worker, lists, reporter)
        if lists is not None:
            self._report = {"vocabulary": choice.report(home, self._targets)}

    def report(self) -> dict[str, Any]:
        """The lists of tokens that were tried, if any."""
        return self._report

    def close(self) -> None:
        """Close the caches."""
        if self._worker is not None:
            self._worker.close()


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
            rows = schema.in_order(window.rows)
            stats = Stats(rows=rows.height, spans=rows["answer_start"].count())
        else:
            model = self.engine.model
            name = f"{model.name}@{model.revision or model.digest[:12]}"
            rows, stats = assemble(window, decoded, language, name)
        store.write_parquet(folders.part(folder, language), rows)
        store.write_json(stats_path(folder, language), stats.to_json())
        return stats


@dataclass(frozen=True)
class _Work:
    """One window: where its parts go, and its rows, cut and tokenised. None = all is done."""

    folder: Path
    window: Window | None


def _windows(source: Source, rows: int, worker: Worker, home: Path) -> Iterator[_Work]:
    """Windows in source order; the next is read and tokenised while this one is translated."""
    frames = enumerate(source.frames(rows))

    def following() -> _Work | None:
        number, frame = next(frames, (0, None))
        if frame is None:
            return None
        folder = home / f"{number:06d}"
        done = all(is_done(folder, code) for code in worker.languages)
        return _Work(folder, None if done else prepare(frame, worker.engine))

    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(following)
        while (work := upcoming.result()) is not None:
            upcoming = pool.submit(following)
            yield work


def _units(
    windows: Iterable[_Work], worker: Worker, lists: Vocabularies | None, reporter: Reporter
) -> Iterator[Unit]:
    """Units as they are committed; a unit's rows are written while the next one is decoded."""
    waiting: deque[Future[Unit]] = deque()
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
) -> Future[Unit]:
    """Decode a unit unless it is done; what is left of it goes to `pool`."""
    folder, window = work.folder, work.window
    if window is None or is_done(folder, language):
        stats = read_stats(folder, language)
        return pool.submit(lambda: Unit(folder, language, stats, resumed=True))
    restricted = None
    if language != worker.engine.source:
        restricted = choose(language, window) if choose else None
        reporter.begin(language, window.rows.height, sum(map(len, window.tokens)))
    decoded = worker.decode(
        window, language, lambda done: reporter.batch(language, done), restricted
    )
    return pool.submit(
        lambda: Unit(folder, language, worker.commit(folder, window, language, decoded))
    )


def stats_path(folder: Path, language: str) -> Path:
    """The marker that a unit is done: written after its rows."""
    return folder / f"{language}.json"


def is_done(folder: Path, language: str) -> bool:
    return all(path(folder, language).exists() for path in (stats_path, folders.part))


def read_stats(folder: Path, language: str) -> Stats:
    """Counts of a unit that is done."""
    return Stats.from_json(store.read_json(stats_path(folder, language)))
