"""Kills, full disks, damaged files, other processes, clocks: a few rounds of `tests/chaos`."""

from __future__ import annotations

import errno
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_parallel.errors import ModelError, StoreError
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.source import open_source
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.window import translate_corpus
from tests.chaos import faults, hostile, kill
from tests.fake_engine import Reversing

linux = pytest.mark.skipif(sys.platform != "linux", reason="finds a file by its number in /proc")


def test_killed_four_times_the_files_are_the_same() -> None:
    assert kill.main(["--kills", "4", "--only", "two languages,overwrite"]) == 0


def test_a_recipe_that_is_killed_goes_on() -> None:
    assert kill.main(["--kills", "3", "--only", "run changed"]) == 0


@linux
def test_a_disk_that_is_full_at_any_write() -> None:
    assert faults.main(["--sample", "5", "--seed", "1"]) == 0


@linux
def test_a_disk_that_is_full_at_any_write_of_a_recipe() -> None:
    assert faults.main(["--run", "--sample", "2", "--seed", "1"]) == 0


@linux
def test_a_disk_that_is_full_while_a_folder_is_started_over(tmp_path: Path) -> None:
    faults.translate(tmp_path / "whole")
    other = faults.SETTINGS.model_copy(update={"window_rows": 5})
    with faults.full(tmp_path / "torn", 40), pytest.raises(StoreError):
        faults.translate(tmp_path / "torn", other)
    assert (tmp_path / "torn" / "out" / ".work").exists()
    for room in range(4):
        with faults.full(tmp_path / "torn", room), pytest.raises(StoreError, match="disk is full"):
            faults.translate(tmp_path / "torn")
    faults.translate(tmp_path / "torn")
    assert kill.digests(tmp_path / "torn" / "out") == kill.digests(tmp_path / "whole" / "out")


def test_a_damaged_cache_is_named(tmp_path: Path) -> None:
    faults.translate(tmp_path)
    (cache, _) = sorted(tmp_path.rglob("*.sqlite"))
    cache.write_bytes(cache.read_bytes()[:4096] + b"\xff" * 8192)
    changed = faults.SETTINGS.model_copy(update={"window_rows": 5})
    with pytest.raises(StoreError, match="delete that file"):
        faults.translate(tmp_path, changed)
    cache.unlink()
    faults.translate(tmp_path, changed)


@linux
@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_folder_that_cannot_be_written(tmp_path: Path, room: int) -> None:
    """By a fault at each write: permissions do not stop root, who may run the tests."""
    with faults.full(tmp_path, room, errno.EROFS), pytest.raises(StoreError) as caught:
        faults.translate(tmp_path)
    assert "Read-only file system" in str(caught.value) or "unable to open" in str(caught.value)
    assert "\n" not in str(caught.value)
    if room == 0:
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.bin", "shared_vocabulary.json", "tokenizer.json"])
def test_a_conversion_cut_short_is_made_again(tmp_path: Path, tiny_nllb: Path, name: str) -> None:
    settings = ModelSettings(model=str(tiny_nllb), cache=tmp_path)
    made = resolve(settings)
    damaged = made.path / name
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    assert resolve(settings).digest == made.digest


@pytest.mark.parametrize("name", ["model.bin", "shared_vocabulary.json", "tokenizer.json"])
def test_a_model_cut_short_is_refused(tmp_path: Path, tiny_nllb: Path, name: str) -> None:
    from qa_parallel.translation.decoding.engine import Engine
    from qa_parallel.translation.decoding.settings import DecodingSettings

    folder = resolve(ModelSettings(model=str(tiny_nllb), cache=tmp_path)).path
    damaged = folder / name
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])

    def load() -> None:
        model = resolve(ModelSettings(model=str(folder), cache=tmp_path))
        Engine(model, DecodingSettings(device="cpu"), "eng_Latn")

    with pytest.raises(ModelError) as caught:
        load()
    assert str(folder) in str(caught.value) or "CTranslate2 cannot load" in str(caught.value)


def test_two_processes_at_once(tmp_path: Path) -> None:
    """In one folder the second is refused; with one cache for two folders both go through."""
    command = kill.trials(tmp_path)["two languages"].command
    same = [kill.start(command, tmp_path) for _ in range(2)]
    other = kill.start(command, tmp_path, "other")
    errors = [process.communicate()[1].decode() for process in (*same, other)]
    assert other.returncode == 0, errors[2]
    codes = [process.returncode for process in same]
    # 0 twice: the second one came when the first one had finished
    assert sorted(codes) in ([0, 2], [0, 0]), errors
    for code, error in zip(codes, errors, strict=False):
        assert code == 0 or "another process is writing" in error
    assert kill.digests(tmp_path / "out") == kill.digests(tmp_path / "other") != {}


def test_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults.translate(tmp_path / "steady")
    chance = random.Random(3)

    def jumping(clock: Callable[[], float]) -> Callable[[], float]:
        return lambda: clock() + chance.choice([-1e9, -3600.0, 0.0, 3600.0, 1e9])

    for name in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, jumping(getattr(time, name)))
    faults.translate(tmp_path / "jumping")
    monkeypatch.undo()
    expected = kill.digests(tmp_path / "steady" / "out")
    assert kill.digests(tmp_path / "jumping" / "out") == expected != {}


def test_hostile_rows_are_translated_or_flagged() -> None:
    assert hostile.main(["--rows", "150", "--seed", "8", "--longest", "0.002"]) == 0


TEXTS = st.one_of(
    st.sampled_from(hostile.NASTY),
    st.text(st.characters(categories=None), max_size=40),  # lone surrogates among them
    st.lists(st.sampled_from(hostile.NASTY), max_size=4).map(" ".join),
)
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(TEXTS))
RECORDS = st.fixed_dictionaries(
    {"question": TEXTS, "answer": VALUES, "passage": VALUES},
    optional={"title": VALUES, "answer_start": VALUES, "sentence_breaks": st.lists(VALUES)},
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=4))
def test_no_record_breaks_the_pipeline(records: list[dict[str, Any]]) -> None:
    first = {"id": "a", "question": "why?", "answer": "so", "passage": "so it is"}
    rows = [first, *({"id": f"h{number}", **record} for number, record in enumerate(records))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.jsonl")
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        source = pl.concat(open_source(SourceSettings(source=str(file))).frames(3))
    targets = ["deu_Latn", "zho_Hans", "mar_Deva"]
    engine = Reversing(TranslateSettings(to=tuple(targets)))
    made = translate_corpus(source, targets, engine).partition_by("language", as_dict=True)
    for code in targets:
        target = made[code,]
        assert target["qa_id"].to_list() == source["qa_id"].to_list()
        for name in hostile.FIELDS:
            assert target[name].is_null().to_list() == source[name].is_null().to_list()
            assert all(text is None or text.strip() for text in target[name])
        for passage, breaks in target.select("passage", "sentence_breaks").iter_rows():
            for start, end in breaks or ():
                assert 0 <= start <= end <= len(passage)
