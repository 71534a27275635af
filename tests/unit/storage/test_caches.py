"""What lies in a cache, and what of it goes; what is not ours stays."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qa_parallel import api
from qa_parallel.cli import main
from qa_parallel.errors import SettingError

DAY = 86_400
OURS = {
    "models/org--name/0123-int8/model.bin": "models",
    "models/org--name/0123-int8/qa_parallel_model.json": "models",
    "restricted/0123456789abcdef-0123abcd/vmap.txt": "models",
    f"digests/{'a1' * 32}": "models",
    "translations/0123456789abcdef/eng_Latn-deu_Latn.sqlite": "translations",
    "translations/0123456789abcdef/eng_Latn-deu_Latn.sqlite-journal": "translations",
    "vectors/fedcba9876543210.sqlite": "vectors",
    "rows/rows-0123456789abcdef.jsonl": "rows",
    "rows/rows-fedcba9876543210.parquet": "rows",
}
# By place or name something else: of others, of what is being made, of a model without its marker.
THEIRS = (
    "thesis.txt",
    "models/org--name/mine/model.bin",
    "models/org--name/.0123-int8.part-7/qa_parallel_model.json",
    "models/notes.txt",
    "restricted/mine/vmap.txt",
    "translations/mine.sqlite",
    "translations/0123456789abcdef/mine.txt",
    "vectors/mine.sqlite",
    "rows/rows.csv",
    "rows/deep/rows-0123456789abcdef.jsonl",
)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    for number, name in enumerate((*OURS, *THEIRS)):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (100 + number))
    (tmp_path / "elsewhere.jsonl").write_text("mine")
    (tmp_path / "cache" / "rows" / "rows-00000000000000aa.jsonl").symlink_to(
        tmp_path / "elsewhere.jsonl"
    )
    return tmp_path / "cache"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def call(cache: Path, *arguments: str, answer: str | None = None) -> Result:
    environment = {"QA_PARALLEL_CACHE": str(cache)}
    return CliRunner().invoke(main, ["cache", *arguments], env=environment, input=answer)


def test_sizes_by_kind(cache: Path) -> None:
    found = api.cache(cache)
    assert found.bytes == sum(100 + number for number in range(len(OURS)))
    counts = {kind: one["entries"] for kind, one in found.record()["kinds"].items()}
    assert counts == {"models": 3, "translations": 1, "vectors": 1, "rows": 2}
    assert json.loads(call(cache, "--json").stdout) == found.record()
    shown = call(cache).output
    assert f"The cache is {cache}." in shown
    assert "translations        1  209 B" in shown


def test_a_cache_that_is_not_there(tmp_path: Path) -> None:
    assert len(api.cache(tmp_path / "none")) == 0
    assert call(tmp_path / "none", "prune", "--all").exit_code == 0


def test_all_goes_but_what_is_not_ours(cache: Path) -> None:
    result = call(cache, "prune", "--all", "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["kinds"]["rows"]["entries"] == 2
    assert files(cache) == {*THEIRS, "rows/rows-00000000000000aa.jsonl"}
    assert (cache.parent / "elsewhere.jsonl").read_text() == "mine"


def test_one_kind_goes(cache: Path) -> None:
    assert call(cache, "prune", "--kind", "vectors", "--yes").exit_code == 0
    assert {*OURS} - files(cache) == {"vectors/fedcba9876543210.sqlite"}


def test_what_was_not_used_for_long_goes(cache: Path) -> None:
    old = time.time() - 40 * DAY
    for name in ("rows/rows-0123456789abcdef.jsonl", "vectors/fedcba9876543210.sqlite"):
        os.utime(cache / name, (old, old))
    # read since then
    os.utime(cache / "rows/rows-fedcba9876543210.parquet", (time.time(), old))
    for name in OURS:  # a model with one new file is new
        if name.endswith("model.bin"):
            os.utime(cache / name, (old, old))
    assert len(api.prune_cache(cache, older_than="50d")) == 0
    assert len(api.prune_cache(cache, older_than="30d", kind="vectors", dry_run=True)) == 1
    gone = api.prune_cache(cache, older_than="30d")
    assert {*OURS} - files(cache) == {
        "rows/rows-0123456789abcdef.jsonl",
        "vectors/fedcba9876543210.sqlite",
    }
    assert len(gone) == 2


def test_it_is_asked_before(cache: Path) -> None:
    before = files(cache)
    for answer in ("n\n", ""):
        asked = call(cache, "prune", "--all", answer=answer)
        assert asked.exit_code == 1
        assert "Remove 7 entries" in asked.output
        assert files(cache) == before
    assert call(cache, "prune", "--all", answer="y\n").exit_code == 0
    assert files(cache) != before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "expected --older-than or --kind, or else --all"),
        (["--all", "--kind", "rows"], "or else --all"),
        (["--older-than", "30"], "expected a time as 30d or 12h, found '30'"),
        (["--kind", "all"], "'all' is not one of"),
    ],
)
def test_mistakes(cache: Path, options: list[str], says: str) -> None:
    before = files(cache)
    result = call(cache, "prune", "--yes", *options)
    assert result.exit_code == 2
    assert says in result.output
    assert files(cache) == before


def test_an_unknown_kind_in_python(cache: Path) -> None:
    with pytest.raises(SettingError, match="expected one of models"):
        api.prune_cache(cache, kind="model")
