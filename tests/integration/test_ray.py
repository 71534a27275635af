"""On a Ray cluster of this machine: the same corpus, also when an actor dies in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import ray
from polars.testing import assert_frame_equal

from qa_parallel.errors import ModelError
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import store
from qa_parallel.storage.corpus import Stats
from qa_parallel.translation import cluster
from qa_parallel.translation.decoding.engine import Done
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.runner import Reporter
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.stage import translate

QUESTIONS = Path(__file__).parents[2] / "recipes" / "quickstart" / "questions.jsonl"


class Killer:
    """A reporter that kills one actor as soon as the first window is committed."""

    def __init__(self, kill: bool = True) -> None:
        self.kill, self.killed, self.units = kill, 0, 0

    def start(self, *_: object) -> None: ...

    def begin(self, *_: object) -> None: ...

    def batch(self, language: str, done: Done) -> None: ...

    def finish(self) -> None: ...

    def unit(self, language: str, stats: Stats, resumed: bool) -> None:
        self.units += 1
        if self.kill and not self.killed:
            self.killed = next(actors())
            os.kill(self.killed, signal.SIGKILL)


def actors() -> Iterator[int]:
    """Process ids of our actors."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = place.read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::Actor"):
            yield int(place.parent.name)


def translated(out: Path, reporter: Reporter, limit: int = 24, **settings: object) -> pl.DataFrame:
    """The rows of a small translation.

    In float32: a text that stands in two windows is decoded in the one that comes first, and in
    int8 the texts beside it there can change it.
    """
    outcome = translate(
        SourceSettings(source=str(QUESTIONS), limit=limit),
        ModelSettings(model="demo", cache=out.parent / f"cache-{out.name}"),
        TranslateSettings.model_validate(
            {
                **{"to": "de,fr", "beam": 1, "window_rows": 3, "threads": 1},
                **{"compute_type": "float32", **settings},
            }
        ),
        out,
        reporter,
    )
    return pl.concat(pl.read_parquet(out / name) for name in outcome.manifest["files"])


def same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Everything to the letter, log-probabilities but for their last digits."""
    assert_frame_equal(one, other, rel_tol=0, abs_tol=1e-4)


@pytest.fixture
def local_ray() -> Iterator[None]:
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # a busy machine
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_a_cluster_that_loses_an_actor_gives_the_same_corpus(
    tmp_path: Path, local_ray: None
) -> None:
    killer = Killer()
    spread = translated(tmp_path / "ray", killer, engine="ray", ray_actors=2)
    assert killer.killed, "no actor was there to be killed"
    assert killer.units == 8 * 3
    same(spread, translated(tmp_path / "local", Killer(kill=False)))
    assert not (tmp_path / "ray" / ".work").exists()


def test_machines_with_another_model_are_refused(
    tmp_path: Path, local_ray: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(cluster.Actor):
        def about(self) -> tuple[str, dict[str, object]]:
            return "f" * 64, {}

    monkeypatch.setattr(cluster, "Actor", Other)
    with pytest.raises(ModelError, match="on every machine, found another one"):
        translated(tmp_path / "ray", Killer(), engine="ray", ray_actors=1)


def test_lists_that_one_machine_learned_hold_on_all(
    tmp_path: Path, local_ray: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the text of an earlier corpus; both ways say the same, by the same lists."""
    translated(tmp_path / "text", Killer(kill=False), 60)
    given = {"restrict_vocabulary": str(tmp_path / "text"), "window_rows": 15}
    killer = Killer()
    spread = translated(tmp_path / "ray", killer, 60, engine="ray", ray_actors=2, **given)
    assert killer.killed, "no actor was there to be killed"
    same(spread, translated(tmp_path / "local", Killer(kill=False), 60, **given))
    one, other = (
        store.read_json(tmp_path / out / "manifest.json")["vocabulary"] for out in ("ray", "local")
    )
    for lists in (one, other):
        for language in lists.values():
            for attempt in language["attempts"]:
                del attempt["speedup"]  # a time
    assert one == other
    assert any(language["restricted"] for language in one.values())
