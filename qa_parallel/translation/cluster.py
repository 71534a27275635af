"""Windows as tasks for a pool of Ray actors that each hold a model."""

from __future__ import annotations

import os
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel import extras
from qa_parallel.errors import ModelError, QAParallelError, StoreError
from qa_parallel.places import Place
from qa_parallel.sources.source import Source
from qa_parallel.storage import store
from qa_parallel.storage.cache import cache_folder
from qa_parallel.storage.corpus import Stats
from qa_parallel.translation.decoding.engine import Done, Engine
from qa_parallel.translation.models.model import Model, resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.runner import Reporter, Unit, Worker, is_done, read_stats
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.vocabulary import choice
from qa_parallel.translation.vocabulary.choice import Vocabularies
from qa_parallel.translation.vocabulary.restricted import Restricted
from qa_parallel.translation.vocabulary.text import LanguageText
from qa_parallel.translation.window import Window, prepare

if TYPE_CHECKING:
    import polars as pl

# Windows that an actor has at a time: one is decoded, one is prepared or written.
_AHEAD = 2
_PROBE = "reached-by-every-machine"

Task = tuple[str, Stats, bool]  # language, counts, whether it was done before


class Actor:
    """A model in a process of its own, on any machine that sees the output folder.

    It commits its windows itself and returns only their counts.
    """

    def __init__(
        self,
        model_settings: ModelSettings,
        settings: TranslateSettings,
        source: str,
        targets: Sequence[str],
        text: LanguageText | None = None,
    ) -> None:
        model = resolve(model_settings)
        model.require((source, *targets))
        self._cache = cache_folder(model_settings.cache)
        self._worker = Worker(Engine(model, settings, source), self._cache, targets)
        self._decoding = threading.Lock()
        self._restrict, self._text = settings.restrict_vocabulary is not None, text
        self._lists: Vocabularies | None = None

    def about(self) -> tuple[str, dict[str, Any]]:
        """Digest of the model, and the settings that shape what comes out."""
        engine = self._worker.engine
        return engine.model.digest, engine.settings.signature()

    def reads(self, path: Path) -> str | None:
        """The word in a file that another machine wrote. None = it is not to be seen."""
        return path.read_text() if path.exists() else None

    def window(
        self,
        folder: Path,
        rows: pl.DataFrame,
        earlier: Sequence[Path] = (),
        ahead: Sequence[str] = (),
    ) -> list[Task]:
        """Translate and commit a window; what an earlier run committed is left as it is.

        Lists of tokens may be learned from the windows `earlier` and the source texts `ahead`.
        """
        worker = self._worker
        missing = [code for code in worker.languages if not is_done(folder, code)]
        done = [
            (code, read_stats(folder, code), True)
            for code in worker.languages
            if code not in missing
        ]
        if not missing:
            return done
        window = prepare(rows, worker.engine)
        for language in missing:
            with self._decoding:
                restricted = self._choose(language, window, folder.parent, earlier, ahead)
                decoded = worker.decode(window, language, restricted=restricted)
            done.append((language, worker.commit(folder, window, language, decoded), False))
        return done

    def _choose(
        self,
        language: str,
        window: Window,
        home: Path,
        earlier: Sequence[Path],
        ahead: Sequence[str],
    ) -> Restricted | None:
        engine = self._worker.engine
        if not self._restrict or language == engine.source:
            return None
        if self._lists is None:
            self._lists = Vocabularies(engine, home, self._cache, ahead, self._text)
        return self._lists.choose(language, window, earlier)


class Cluster:
    """Translates on a Ray cluster. A window whose actor is lost is done again by another.

    Parameters
    ----------
    model:
        What every actor must come to have: the digest is compared.
    text:
        Where lists of tokens are learned from, on a file system that all machines share; None =
        the run itself.

    Raises
    ------
    ExtraError
        Ray is not installed.
    ModelError
        A machine has another model.
    """

    def __init__(
        self,
        model: Model,
        model_settings: ModelSettings,
        settings: TranslateSettings,
        source: str,
        targets: Sequence[str],
        text: LanguageText | None = None,
    ) -> None:
        self._ray = _ray()
        self._languages = (source, *targets)
        self._restrict = settings.restrict_vocabulary is not None
        self._report: dict[str, Any] = {}
        self._ours = not self._ray.is_initialized()
        self._ray.init(
            address=settings.ray_address,
            ignore_reinit_error=True,
            log_to_driver=False,
            include_dashboard=False,
        )
        actors, resources = _share(self._ray, settings)
        threads = settings.threads or max(1, int(resources.get("num_cpus", 1)))
        placed = settings.model_copy(update={"device_index": (0,), "threads": threads})
        kind = self._ray.remote(
            # Ray starts a lost actor again, wherever there is room, and repeats its tasks.
            max_restarts=-1,
            max_task_retries=-1,
            max_concurrency=_AHEAD,
            **resources,
        )(Actor)
        try:
            self._actors = [
                kind.remote(_absolute(model_settings), placed, source, targets, text)
                for _ in range(actors)
            ]
            found = self._get([actor.about.remote() for actor in self._actors])
        except BaseException:
            self.close()
            raise
        other = next((digest for digest, _ in found if digest != model.digest), None)
        if other is not None or any(about[1] != found[0][1] for about in found):
            self.close()
            raise ModelError(
                f"expected {model.name} ({model.digest[:12]}) on every machine, found "
                + (f"another one ({str(other)[:12]})" if other else "different precisions"),
                "name a revision, or a folder that all machines share, and a --compute-type",
            )
        self.signature: dict[str, Any] = found[0][1]

    def units(self, source: Source, rows: int, home: Path, reporter: Reporter) -> Iterator[Unit]:
        """Every window in every language, as it is committed; in no order.

        Lists of tokens come from the windows before: until every language has its own, or will
        have none, one window is translated at a time.
        """
        home = home.absolute()  # a worker has a folder of its own to start from
        self._check_shared(home)
        frames = enumerate(source.frames(rows))
        free = deque(actor for _ in range(_AHEAD) for actor in self._actors)
        running: dict[Any, tuple[Any, Path]] = {}
        earlier: list[Path] = []
        learning = self._restrict
        ahead = self._ray.put(choice.texts_ahead(source) if learning else [])
        while True:
            learning = learning and not choice.settled(home, self._languages[1:])
            while free and not (learning and running) and (upcoming := next(frames, None)):
                number, frame = upcoming
                folder = home / f"{number:06d}"
                known = (tuple(earlier), ahead) if learning else ()
                earlier.append(folder)
                if all(is_done(folder, code) for code in self._languages):
                    for code in self._languages:
                        yield Unit(folder, code, read_stats(folder, code), resumed=True)
                    continue
                actor = free.popleft()
                running[actor.window.remote(folder, frame, *known)] = actor, folder
            if not running:
                break
            (ready, *_), _ = self._ray.wait(list(running))
            actor, folder = running.pop(ready)
            # what learned a list has it loaded
            (free.appendleft if learning else free.append)(actor)
            for language, stats, resumed in self._get(ready):
                if not resumed and language != self._languages[0]:
                    reporter.batch(language, Done(stats.translated, 0, stats.tokens))
                yield Unit(folder, language, stats, resumed)
        if self._restrict:
            self._report = {"vocabulary": choice.report(home, self._languages[1:])}

    def report(self) -> dict[str, Any]:
        """The lists of tokens that were tried, if any."""
        return self._report

    def close(self) -> None:
        """End the actors, and the local Ray if it was started here."""
        for actor in getattr(self, "_actors", ()):
            self._ray.kill(actor)
        if self._ours:
            self._ray.shutdown()

    def _get(self, references: Any) -> Any:
        """Results of tasks; an error of ours as it was raised there, without Ray's wrapping."""
        try:
            return self._ray.get(references)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, QAParallelError):
                raise error.cause from None
            raise

    def _check_shared(self, home: Path) -> None:
        word, path = uuid.uuid4().hex, home / _PROBE
        store.write_bytes(path, word.encode())
        if any(found != word for found in self._get([a.reads.remote(path) for a in self._actors])):
            raise StoreError(
                f"expected to see {home.parent} from every machine of the cluster, found one that "
                "does not",
                "choose an --out on a file system that they share",
            )
        store.remove(path)


def _absolute(settings: ModelSettings) -> ModelSettings:
    """Settings whose local paths hold wherever the process was started."""
    update: dict[str, Any] = {"cache": cache_folder(settings.cache).absolute()}
    place = Place.of(settings.model)
    if place.is_folder:
        update["model"] = str(place.path.absolute())
    return settings.model_copy(update=update)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    extras.require("ray", "--engine ray", "ray")
    import ray

    return ray


def _share(ray: Any, settings: TranslateSettings) -> tuple[int, dict[str, float]]:
    """Number of actors, and what each takes of the cluster."""
    machines = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    gpus = int(ray.cluster_resources().get("GPU", 0))
    if settings.device != "cpu" and gpus:
        return settings.ray_actors or gpus, {"num_gpus": 1, "num_cpus": 1}
    if not machines:
        raise ModelError("expected a machine with a CPU in the Ray cluster, found none")
    cores = int(min(node["Resources"]["CPU"] for node in machines))
    actors = settings.ray_actors or len(machines)
    each = -(-actors // len(machines))  # on one machine
    return actors, {"num_cpus": max(1, settings.threads or cores // each)}
