"""Vectors: made once, or given with their ids."""

from __future__ import annotations

import math
import pickle
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qa_parallel.encoders import vectors as module
from qa_parallel.encoders.vectors import encode, given
from qa_parallel.errors import ModelError, SourceError, StoreError


def vector(text: str) -> list[float]:
    """Of length 1: its angle tells texts apart."""
    angle = len(text) + ord(text[0]) / 1000
    return [math.cos(angle), math.sin(angle)]


class Fake:
    """Vectors by length and first character; remembers what it was asked."""

    def __init__(
        self, digest: str = "d", pooling: str = "mean", include_prompt: bool = True
    ) -> None:
        self.digest, self.pooling, self.max_length = digest, pooling, 8
        self.include_prompt = include_prompt
        self.model = SimpleNamespace(dtype="float32")
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str], prefix: str = "") -> Any:
        self.asked += [prefix + text for text in texts]
        return np.array([vector(text) for text in texts], dtype=np.float32)


def encoded(texts: list[str], encoder: Any, **options: Any) -> list[list[float]]:
    found: list[list[float]] = encode(texts, encoder, **options).tolist()
    return found


def approx(*texts: str) -> Any:
    return [pytest.approx(vector(text)) for text in texts]


def test_every_text_once(tmp_path: Path) -> None:
    encoder = Fake()
    assert encoded(["bb", "a", "bb"], encoder, cache=tmp_path) == approx("bb", "a", "bb")
    assert encoder.asked == ["a", "bb"]
    assert encoded(["bb", "ccc"], encoder, cache=tmp_path) == approx("bb", "ccc")
    assert encoder.asked == ["a", "bb", "ccc"]
    encoded(["bb"], encoder)
    assert encoder.asked[3:] == ["bb"], "without a cache nothing is known"


def test_another_prefix_model_or_setting_is_another_vector(tmp_path: Path) -> None:
    for encoder, prefix in ((Fake(), ""), (Fake(), "q: "), (Fake("e"), ""), (Fake("d", "cls"), "")):
        encoded(["a"], encoder, prefix=prefix, cache=tmp_path)
        assert encoder.asked == [f"{prefix}a"]


def test_what_was_made_before_a_stop_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WINDOW", 2)

    class Stops(Fake):
        def __call__(self, texts: Sequence[str], prefix: str = "") -> Any:
            if len(self.asked) == 4:
                raise KeyboardInterrupt
            return super().__call__(texts, prefix)

    texts = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"]
    with pytest.raises(KeyboardInterrupt):
        encoded(texts, Stops(), cache=tmp_path)
    encoder, told = Fake(), []
    encoded(texts, encoder, cache=tmp_path, tell=lambda done, of: told.append((done, of)))
    assert encoder.asked == ["eeeee", "ffffff"]
    assert told == [(4, 6), (6, 6)]


def test_a_cache_that_is_none(tmp_path: Path) -> None:
    encoder = Fake()
    encoded(["a"], encoder, cache=tmp_path)
    (path,) = tmp_path.glob("*.sqlite")
    path.write_bytes(b"something else" * 99)
    with pytest.raises(StoreError, match="cannot use the vector cache"):
        encoded(["a"], encoder, cache=tmp_path)


@pytest.mark.parametrize(
    ("row", "found"),
    [([np.nan, 0], "NaN or infinity"), ([np.inf, 0], "NaN or infinity"), ([0, 0], "length 0"),
     ([0.3, 0.4], "length 0.5"), ([3e38, 3e38], "length")],
)  # fmt: skip
def test_vectors_that_are_none_are_not_kept(tmp_path: Path, row: Any, found: str) -> None:
    class Broken(Fake):
        def __call__(self, texts: Sequence[str], prefix: str = "") -> Any:
            made = super().__call__(texts, prefix)
            made[[text == "bb" for text in texts]] = row
            return made

    with pytest.raises(ModelError, match=f"from the encoder, found {found}.* of 'bb'"):
        encoded(["ccc", "bb", "a"], Broken(), cache=tmp_path)
    encoder = Fake()
    encoded(["ccc", "bb", "a"], encoder, cache=tmp_path)
    assert encoder.asked == ["a", "bb", "ccc"]


@pytest.mark.parametrize(
    ("row", "message"),
    [([np.nan, 0], "in the cache, found NaN or infinity of 'bb'; delete"),
     ([0.6, 0.9], "in the cache, found length 1.08 of 'bb'"),
     ([1], r"found \[1, 2\] numbers")],
)  # fmt: skip
def test_a_cache_whose_numbers_are_wrong(tmp_path: Path, row: Any, message: str) -> None:
    encoded(["a", "bb", "ccc"], Fake(), cache=tmp_path)
    (path,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(path) as base:
        (table,) = base.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%vector%'"
        ).fetchone()
        mine = np.array(vector("bb"), dtype="<f4").tobytes()
        changed = base.execute(
            f"UPDATE {table} SET vector = ? WHERE vector = ?",
            (np.array(row, dtype="<f4").tobytes(), mine),
        )
        assert changed.rowcount == 1
    with pytest.raises(ModelError, match=message):
        encoded(["a", "bb"], Fake(), cache=tmp_path)


def npz(path: Path, **arrays: Any) -> Path:
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def test_given_vectors_go_by_their_id(tmp_path: Path) -> None:
    rows = np.array([[3.0, 4.0], [1e-20, 0.0], [0.0, -2e100]])
    path = npz(tmp_path / "v.npz", ids=np.array(["a", "b", "c"]), vectors=rows)
    wanted = np.array([[0, -1], [0.6, 0.8], [1, 0]])
    np.testing.assert_allclose(np.asarray(given(path, ["c", "a", "b"])), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": np.array(["a", "b"])}, "found: .*vectors"),
        ({"ids": np.array(["a"]), "vectors": np.ones((1, 2))}, "found 1 without, such as b"),
        ({"ids": np.array(["a", "b"]), "vectors": np.ones((3, 2))}, "2 ids and 3 vectors"),
        ({"ids": np.array(["a", "b"]), "vectors": np.ones(2)}, r"and \[2\]"),
        ({"ids": np.array(["a", "b"]), "vectors": np.ones((2, 2), int)}, "vectors of int64"),
        ({"ids": np.array([1, 2]), "vectors": np.ones((2, 2))}, "found int64"),
        ({"ids": np.array(["a", "b", "a"]), "vectors": np.ones((3, 2))}, "each id once"),
        ({"ids": np.array(["a", "b"]), "vectors": np.full((2, 2), np.nan)}, "finite.*of 'a'"),
        ({"ids": np.array(["a", "b"]), "vectors": np.diag([1, np.inf])}, "finite.*of 'b'"),
        ({"ids": np.array(["a", "b"]), "vectors": np.diag([1.0, 0])}, "not zeros.*of 'b'"),
        ({"ids": np.array(["a", "b"], object), "vectors": np.ones((2, 2))}, "Object arrays"),
    ],
)
def test_vectors_that_are_none(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        given(npz(tmp_path / "v.npz", **arrays), ["a", "b"])


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    path.write_bytes(pickle.dumps({"ids": ["a"]}))
    with pytest.raises(SourceError, match=r"expected an \.npz file"):
        given(path, ["a"])
