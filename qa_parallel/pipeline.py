"""The stages in their order, and all that concerns folders: resume, commit, manifests."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from qa_parallel import dataset, store
from qa_parallel.cache import TranslationCache
from qa_parallel.engine import Done, Engine
from qa_parallel.errors import LanguageError, StoreError
from qa_parallel.models import Model, ModelSettings, cache_folder, resolve
from qa_parallel.recipe import Recipe
from qa_parallel.schema import CORPUS, check_split
from qa_parallel.sources import Source, SourceSettings, open_source
from qa_parallel.translate import (
    Stats,
    TranslateSettings,
    Window,
    annotate,
    prepare,
    translate_into,
)

SETTINGS = "settings.json"
MADE_BY = "qa-parallel"
WORK = ".work"
# Raise it when the same settings would give other data files than before.
VERSION = 1


class Reporter(Protocol):
    """Who is told how a translation goes; the CLI draws it, tests ignore it."""

    def start(self, model: Model, source: Source, targets: tuple[str, ...]) -> None: ...

    def begin(self, language: str, rows: int, tokens: int) -> None: ...

    def batch(self, language: str, done: Done) -> None: ...

    def unit(self, language: str, stats: Stats, resumed: bool) -> None: ...

    def finish(self) -> None: ...


@dataclass
class Outcome:
    """What a stage left behind: the folder, its manifest, and whether it was there already."""

    folder: Path
    manifest: dict[str, Any]
    complete_before: bool = False


def run(recipe: Recipe, reporter: Reporter, overwrite: bool = False) -> Outcome:
    """Run every stage of `recipe`."""
    return translate(
        recipe.source,
        recipe.model,
        recipe.translate,
        recipe.out,
        reporter,
        overwrite=overwrite,
        title=recipe.name,
    )


def translate(
    source_settings: SourceSettings,
    model_settings: ModelSettings,
    settings: TranslateSettings,
    out: Path,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    title: str = "",
) -> Outcome:
    """Translate a source into a parallel corpus under `out`, going on where a run was stopped.

    The unit of work is a window of source rows in one language. It is committed to the cache
    in one transaction and to the folder by rename, so that whatever a kill interrupts is done
    again from the same state, in the same batches.

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
    _refuse_foreign(out)  # before any work, and before a lock file is left in it
    source = open_source(source_settings)
    model = resolve(model_settings)
    model.require((source_settings.source_language, *targets))
    engine = Engine(model, settings, source_settings.source_language)
    described = _describe(source_settings, source, model, settings, engine, targets)
    with store.locked(out):
        if not _claim(out, described, overwrite):
            return _complete(out)
        reporter.start(model, source, targets)
        caches = {
            target: TranslationCache(_cache_path(model_settings, engine, target))
            for target in targets
        }
        stats = {code: Stats() for code in (source_settings.source_language, *targets)}
        folders: list[Path] = []
        for work in _windows(source, settings, engine, out, targets):
            folders.append(work.folder)
            for language in stats:
                done = _read_stats(work.folder, language)
                resumed = done is not None
                if done is None:
                    done = _unit(work, language, engine, caches, reporter)
                stats[language] += done
                reporter.unit(language, done, resumed)
        for cache in caches.values():
            cache.close()
        manifest = _finish(out, described, source, stats, folders, settings, title)
        store.write_json(out / dataset.MANIFEST, manifest)
        store.remove(out / WORK)
        reporter.finish()
    return Outcome(out, manifest)


@dataclass(frozen=True)
class _Work:
    """One window: where its parts go, and its rows, cut and tokenised, unless all is done."""

    folder: Path
    prepared: Future[Window]


def _windows(
    source: Source,
    settings: TranslateSettings,
    engine: Engine,
    out: Path,
    targets: tuple[str, ...],
) -> Iterator[_Work]:
    """Windows in source order; the next one is read and tokenised while this one is translated."""
    everything = (engine.source, *targets)
    frames = source.frames(settings.window_rows)
    with ThreadPoolExecutor(max_workers=1) as pool:

        def ahead(number: int) -> _Work | None:
            frame = next(frames, None)
            if frame is None:
                return None
            folder = out / WORK / f"{number:06d}"
            if all(_is_done(folder, code) for code in everything):
                return _Work(folder, Future())  # never asked for
            return _Work(folder, pool.submit(prepare, frame, engine))

        number = 0
        upcoming = ahead(number)
        while upcoming is not None:
            number += 1
            current, upcoming = upcoming, ahead(number)
            yield current


def _unit(
    work: _Work,
    language: str,
    engine: Engine,
    caches: Mapping[str, TranslationCache],
    reporter: Reporter,
) -> Stats:
    window = work.prepared.result()
    if language == engine.source:
        rows, stats = window.rows.select(CORPUS.names()), Stats(rows=window.rows.height)
        stats.spans = rows["answer_start"].count()
    else:
        reporter.begin(language, window.rows.height, sum(map(len, window.tokens)))
        rows, stats = translate_into(
            window,
            language,
            engine,
            caches[language],
            translator=f"{engine.model.name}@{engine.model.revision or engine.model.digest[:12]}",
            on_batch=lambda done: reporter.batch(language, done),
        )
    store.write_parquet(_part_path(work.folder, language), rows)
    store.write_json(_stats_path(work.folder, language), stats.to_json())
    return stats


def _part_path(folder: Path, language: str) -> Path:
    return folder / f"{language}.parquet"


def _stats_path(folder: Path, language: str) -> Path:
    """The marker that a unit is done: written after its rows."""
    return folder / f"{language}.json"


def _read_stats(folder: Path, language: str) -> Stats | None:
    if not _is_done(folder, language):
        return None
    return Stats.from_json(store.read_json(_stats_path(folder, language)))


def _is_done(folder: Path, language: str) -> bool:
    return all(path(folder, language).exists() for path in (_stats_path, _part_path))


def _cache_path(settings: ModelSettings, engine: Engine, target: str) -> Path:
    key = store.fingerprint({"model": engine.model.digest, **engine.settings.signature()})
    name = f"{engine.source}-{target}.sqlite"
    return cache_folder(settings) / "translations" / key / name


def _describe(
    source_settings: SourceSettings,
    source: Source,
    model: Model,
    settings: TranslateSettings,
    engine: Engine,
    targets: tuple[str, ...],
) -> dict[str, Any]:
    """All that shapes the data files, for comparing with what a folder was made with."""
    return {
        "made_by": MADE_BY,
        "version": VERSION,
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
            "window_rows": settings.window_rows,
            "shard_rows": settings.shard_rows,
        },
    }


def _refuse_foreign(out: Path) -> None:
    """StoreError where something stands in `out` that is not of our making."""
    found = sorted(item.name for item in out.iterdir()) if out.is_dir() else []
    if SETTINGS in found and store.read_json(out / SETTINGS).get("made_by") == MADE_BY:
        return
    # What a kill in our very first moments can leave behind is ours too.
    foreign = [name for name in found if name not in (".lock", f".{SETTINGS}.part")]
    if foreign:
        raise StoreError(
            f"expected an empty folder, or one of this command, found {foreign[0]!r} in {out}",
            "choose another --out",
        )


def _claim(out: Path, described: dict[str, Any], overwrite: bool) -> bool:
    """Make `out` ours. False where it is complete already; StoreError where it is another's."""
    _refuse_foreign(out)
    path, manifest = out / SETTINGS, out / dataset.MANIFEST
    known = store.read_json(path) if path.exists() else None
    store.remove(_aside(out))
    if known is not None and overwrite and (known != described or manifest.exists()):
        # The manifest first, and the work by rename: what is half deleted is not gone on from.
        store.remove(manifest)
        if (out / WORK).exists():
            (out / WORK).rename(_aside(out))
        for gone in (_aside(out), out / dataset.DATA, out / dataset.README):
            store.remove(gone)
        known = None
    if known is None:
        store.write_json(path, described)
        return True
    if known != described:
        changed = "; ".join(_differences(known, described))
        raise StoreError(
            f"{out} was made with other settings ({changed})",
            "choose another --out, or --overwrite: what is translated already stays in the cache",
        )
    if manifest.exists() and not dataset.is_whole(out):
        store.remove(manifest)  # a data file is missing or cut short: make it again
    return not manifest.exists()


def _aside(out: Path) -> Path:
    return out / f"{WORK}.old"


def _complete(out: Path) -> Outcome:
    """What was finished before; a kill may have left the parts that it was made of."""
    store.remove(out / WORK)
    return Outcome(out, store.read_json(out / dataset.MANIFEST), complete_before=True)


def _differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{name}.{key}" if name else key
            yield from _differences(old.get(key), new.get(key), inner)
    elif old != new:
        before, after = (json.dumps(value, ensure_ascii=False) for value in (old, new))
        yield f"{name}: {before} → {after}"


def _finish(
    out: Path,
    described: dict[str, Any],
    source: Source,
    stats: Mapping[str, Stats],
    folders: Sequence[Path],
    settings: TranslateSettings,
    title: str,
) -> dict[str, Any]:
    split = described["source"]["split"]
    per_shard = -(-settings.shard_rows // settings.window_rows)
    files: dict[str, Any] = {}
    store.remove(out / dataset.DATA)
    for language in stats:
        parts = [_part_path(folder, language) for folder in folders]
        files |= dataset.write_shards(out, language, split, parts, per_shard)
    dataset.write_readme(
        out,
        title or f"{source.name.rsplit('@')[0]} in {len(stats)} languages",
        list(stats),
        split,
        f"Made by qa-parallel from {source.name} with {described['model']['name']}. "
        "Counts, digests and settings: manifest.json.",
    )
    return {**_manifest(described, stats, files), "source_counts": asdict(source.counts)}


def _manifest(
    described: Mapping[str, Any], stats: Mapping[str, Stats], files: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "corpus",
        "fingerprint": store.fingerprint(described),
        **described,
        "versions": _versions(),
        "languages": {code: item.to_json() for code, item in stats.items()},
        "files": dict(files),
    }


def _versions() -> dict[str, str]:
    names = ("qa-parallel", "ctranslate2", "polars", "tokenizers", "sentencex", "sacremoses")
    return {name: importlib.metadata.version(name) for name in names}


def import_parallel(
    parallel: Mapping[str, Path] | Path,
    out: Path,
    *,
    columns: Mapping[str, str] | None = None,
    split: str = "train",
    license: str | None = None,
    overwrite: bool = False,
) -> Outcome:
    """Write human-made parallel files, joined by id, as a corpus folder.

    Parameters and errors as `qa_parallel.parallel_import.import_parallel`; StoreError as
    `translate`.
    """
    from qa_parallel.parallel_import import import_parallel as read

    check_split(split)
    _refuse_foreign(out)
    made = read(parallel, columns=columns, split=split, license=license)
    frames = {code: annotate(frame) for code, frame in made.frames().items()}
    described = {
        "made_by": MADE_BY,
        "version": VERSION,
        "source": {
            "files": {code: frame["source"][0] for code, frame in frames.items()},
            "columns": dict(columns or {}),
            "split": split,
            "license": license,
        },
    }
    with store.locked(out):
        if not _claim(out, described, overwrite):
            return _complete(out)
        store.remove(out / dataset.DATA)
        files: dict[str, Any] = {}
        for code, frame in frames.items():
            part = _part_path(out / WORK, code)
            store.write_parquet(part, frame)
            files |= dataset.write_shards(out, code, split, [part], 1)
        dataset.write_readme(
            out, f"Parallel questions in {len(frames)} languages", list(frames), split, f"{made}."
        )
        stats = {
            code: Stats(rows=frame.height, spans=frame["answer_start"].count())
            for code, frame in frames.items()
        }
        manifest = {
            **_manifest(described, stats, files),
            "source_counts": {code: asdict(counts) for code, counts in made.counts.items()},
            "questions": {"all": made.frame["qa_id"].n_unique(), "complete": made.complete()},
            "passages": made.frame["passage_id"].n_unique(),
        }
        store.write_json(out / dataset.MANIFEST, manifest)
        store.remove(out / WORK)
    return Outcome(out, manifest)
