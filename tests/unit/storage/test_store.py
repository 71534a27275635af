"""Atomic files, digests, locks."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from qa_parallel.errors import StoreError
from qa_parallel.storage import store


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    store.write_json(path, {"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        store.write_json(path, {"a": 2})
    assert store.read_json(path) == {"a": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_file_appears_by_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is on the disk before the name is there: at the rename the new file is complete."""
    seen = []

    def spy(self: Path, target: Path) -> Path:
        seen.append((self.read_text(), target.exists()))
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", spy)
    with pytest.raises(StoreError, match="cannot write"):
        store.write_json(tmp_path / "a.json", {"a": 1})
    assert seen == [('{\n  "a": 1\n}\n', False)]
    assert list(tmp_path.iterdir()) == []


def test_the_same_frame_gives_the_same_bytes(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [["x"], None, []], "b": ["é", None, "z" * 1000]})
    for name in ("one", "two"):
        store.write_parquet(tmp_path / name, frame)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert store.read_parquet(tmp_path / "one").equals(frame)
    store.write_parquet(tmp_path / "cut", pl.concat(frame.iter_slices(1), rechunk=False))
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "one").read_bytes()


def test_types_are_arrows_plain_ones(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = pl.DataFrame({"a": [["x"]], "b": ["é"], "c": [[[1, 2]]]})
    plain = {"a": pa.list_(pa.string()), "b": pa.string(), "c": pa.list_(pa.list_(pa.int64()))}
    for some in (frame, frame.clear()):
        store.write_parquet(tmp_path / "it", some)
        schema = pq.read_schema(tmp_path / "it")
        assert dict(zip(schema.names, schema.types, strict=True)) == plain
        assert store.read_parquet(tmp_path / "it").schema == frame.schema
        assert store.count_rows(tmp_path / "it") == some.height
    names = pl.DataFrame({"e": ["b", "a"]}, schema={"e": pl.Enum(["a", "b"])})
    store.write_parquet(tmp_path / "it", names)
    assert store.read_parquet(tmp_path / "it").equals(names)


def test_more_text_than_a_string_column_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if Arrow's limit were one row, and not 2 GiB."""
    import pyarrow as pa

    whole = store._arrow

    def limited(frame: pl.DataFrame) -> pa.Table:
        if frame.height > 1:
            raise pa.ArrowInvalid("input array too large")
        return whole(frame)

    monkeypatch.setattr(store, "_arrow", limited)
    frame = pl.DataFrame({"a": ["x", None, "z", "w", ""]})
    store.write_parquet(tmp_path / "it", frame)
    assert store.read_parquet(tmp_path / "it").equals(frame)


def test_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert store.digest(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_fingerprint_ignores_the_order_of_keys() -> None:
    assert store.fingerprint({"a": 1, "b": 2}) == store.fingerprint({"b": 2, "a": 1})
    assert store.fingerprint({"a": 1}) != store.fingerprint({"a": 2})


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from qa_parallel.storage import store\n"
        "from qa_parallel.errors import StoreError\n"
        "try:\n    store.locked(Path(sys.argv[1])).__enter__()\n"
        "except StoreError as error:\n    print(error)"
    )
    with store.locked(tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
        )
    assert "another process is writing" in done.stdout
    with store.locked(tmp_path):
        pass  # free again


def test_broken_json_and_parquet_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("{")
    with pytest.raises(StoreError, match="expected a JSON file"):
        store.read_json(tmp_path / "a")
    with pytest.raises(StoreError, match="cannot read"):
        store.read_parquet(tmp_path / "a")


@pytest.mark.parametrize("linked", [True, False])
def test_a_second_name_or_a_copy(
    linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    if not linked:
        monkeypatch.setattr("os.link", refuse)
    store.write_parquet(tmp_path / "part", pl.DataFrame({"a": [1, 2]}))
    for _ in range(2):  # what stands there already is replaced
        store.link(tmp_path / "part", tmp_path / "data" / "shard")
    assert store.count_rows(tmp_path / "data" / "shard") == 2
    assert store.digest(tmp_path / "part") == store.digest(tmp_path / "data" / "shard")
    assert [item.name for item in (tmp_path / "data").iterdir()] == ["shard"]
