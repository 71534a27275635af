"""How a Ray cluster is shared out, without a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation import cluster
from qa_parallel.translation.cluster import Cluster, _absolute, _share
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings


class Ray:
    """The two calls that tell what a cluster has."""

    def __init__(self, *cores: int, gpus: int = 0) -> None:
        self._cores, self._gpus = cores, gpus

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": float(count)}} for count in self._cores]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(sum(self._cores)), **({"GPU": self._gpus} if self._gpus else {})}


@pytest.mark.parametrize(
    ("ray", "given", "actors", "each"),
    [
        (Ray(16, 32, gpus=6), {}, 6, {"num_gpus": 1, "num_cpus": 1}),
        (Ray(16, 32, gpus=6), {"ray_actors": 2}, 2, {"num_gpus": 1, "num_cpus": 1}),
        (Ray(16, 32, gpus=6), {"device": "cpu"}, 2, {"num_cpus": 16}),
        (Ray(16, 16), {}, 2, {"num_cpus": 16}),
        (Ray(16, 16), {"ray_actors": 4}, 4, {"num_cpus": 8}),
        (Ray(16, 16), {"ray_actors": 3}, 3, {"num_cpus": 8}),
        (Ray(2), {"ray_actors": 8}, 8, {"num_cpus": 1}),
        (Ray(16), {"threads": 3}, 1, {"num_cpus": 3}),
    ],
)
def test_share(ray: Ray, given: dict[str, Any], actors: int, each: dict[str, float]) -> None:
    settings = TranslateSettings.model_validate({"to": "de", **given})
    assert _share(ray, settings) == (actors, each)


def test_a_cluster_without_processors_is_refused() -> None:
    with pytest.raises(ModelError, match="found none"):
        _share(Ray(), TranslateSettings.model_validate({"to": "de"}))


def test_the_cluster_that_is_named_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Far:
        """Nobody answers."""

        def is_initialized(self) -> bool:
            return False

        def init(self, address: str | None, **_: Any) -> None:
            raise ConnectionError(f"nobody answers at {address}")

    monkeypatch.setattr(cluster, "_ray", Far)
    settings = TranslateSettings.model_validate({"to": "de", "ray_address": "ray://far:10001"})
    model: Any = None
    with pytest.raises(ConnectionError, match="ray://far:10001"):
        Cluster(model, ModelSettings(model="demo"), settings, "eng_Latn", ["deu_Latn"])


def test_paths_hold_elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    settings = _absolute(ModelSettings.model_validate({"model": "model", "cache": "kept"}))
    assert (settings.model, settings.cache) == (str(tmp_path / "model"), tmp_path / "kept")
    assert _absolute(ModelSettings(model="org/name")).model == "org/name"
