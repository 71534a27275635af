"""`qa-parallel publish` end to end: translated, filtered, checked, sent, and loaded again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

import qa_parallel
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.cli import main
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.stage import filter_corpus
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.leakage.stage import check_leakage
from qa_parallel.sources.inputs import open_input
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.storage import store
from qa_parallel.storage.corpus import read_corpus
from tests.fake_hub import TOKEN, FakeHub
from tests.translated_corpus import LANGUAGES, translated

REPO = "org/corpus"
LEAKED = "When do ferries cross the strait?"


def corpus_of(folder: Path) -> SourceSettings:
    return SourceSettings(source=str(folder))


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders "translated", "filtered", "checked", "batches", and "report": a check that tells."""
    home = tmp_path_factory.mktemp("stages")
    made = translated(home / "translated")
    # these are no real translations: only what is flagged goes
    off = dict.fromkeys(("copied", "script", "language", "shared", "duplicate", "length"))
    keep = FilterSettings.model_validate({"detector": "none", "limits": off})
    filter_corpus(corpus_of(made), keep, home / "filtered")
    (home / "eval.jsonl").write_text(json.dumps({"id": "1", "question": LEAKED}) + "\n")
    sets = [EvalSettings(name="small", path=str(home / "eval.jsonl"))]
    for action, out in (("drop", "checked"), ("report", "report")):
        settings = LeakageSettings.model_validate({"action": action})
        check_leakage(corpus_of(home / "filtered"), sets, settings, home / out)
    plan = BatchSettings.model_validate(
        {"batch_size": 2, "steps": 2, "validation": 0.0, "positive": "passage"}
    )
    build_batches([corpus_of(home / "checked")], plan, home / "batches")
    return home


@pytest.fixture
def corpus(stages: Path, tmp_path: Path) -> Path:
    """A copy of "checked" that a test may break."""
    return Path(shutil.copytree(stages / "checked", tmp_path / "checked"))


def publish(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["publish", *map(str, arguments)])


def refused(*arguments: object) -> str:
    result = publish(*arguments, "--dry-run")
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    return line


def test_what_arrived_loads_and_equals_the_source(stages: Path, tmp_path: Path) -> None:
    """The command as a user starts it, and `datasets`, each in a process of its own."""
    corpus = stages / "checked"
    load = (
        "import json, sys\n"
        "from datasets import get_dataset_config_names, load_dataset\n"
        f"repo, out = {REPO!r}, sys.argv[1]\n"
        "names = get_dataset_config_names(repo)\n"
        "for name in names:\n"
        "    load_dataset(repo, name, split='train').to_parquet(f'{out}/{name}.parquet')\n"
        "load_dataset(repo, split='train').to_parquet(f'{out}/default.parquet')\n"
        "print(json.dumps(names))\n"
    )
    with FakeHub() as hub:
        env = {
            **os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1",
            "HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0",
            "PYTHONPATH": str(Path(qa_parallel.__file__).parents[1]),
        }  # fmt: skip
        options = ["--repo", REPO, "--tag", "v1.0", "--plan", str(stages / "batches")]
        sent = call(["-m", "qa_parallel.cli", "publish", str(corpus), *options], env)
        assert TOKEN not in sent.stdout + sent.stderr
        assert f"Published: {hub.url}/datasets/{REPO}" in sent.stdout
        names = json.loads(call(["-c", load, str(tmp_path)], env).stdout.splitlines()[-1])
        arrived = hub.repos[REPO].files("v1.0")
    assert names == ["all", *LANGUAGES]
    for code in LANGUAGES:
        found = pl.read_parquet(tmp_path / f"{code}.parquet")
        assert rows(found) == rows(read_corpus(corpus, [code])), code
    for name in ("all", "default"):
        whole = rows(pl.read_parquet(tmp_path / f"{name}.parquet"))
        assert sorted(whole, key=str) == sorted(rows(read_corpus(corpus)), key=str)
    copy = tmp_path / "copy"
    for name, data in arrived.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(data)
    # what arrived is a corpus folder again, with its plan
    assert open_input(corpus_of(copy)).digest == open_input(corpus_of(corpus)).digest
    assert store.read_json(copy / "batches" / "manifest.json")["corpora"][0]["path"] == ".."
    assert not any(TOKEN.encode() in data for data in arrived.values())


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dicts()


def call(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_dry_run_names_every_file_and_sends_nothing(
    stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket.connect", None)  # whoever calls it fails
    monkeypatch.delenv("HF_TOKEN", raising=False)
    card = tmp_path / "card.md"
    result = publish(
        *(stages / "checked", "--repo", REPO, "--private", "--tag", "v1.0", "--dry-run"),
        *("--plan", stages / "batches", "--card", card),
    )
    assert result.exit_code == 0, result.output
    told = re.findall(r"^([0-9a-f]{64}) +([\d,]+)  (\S+)$", result.stdout, re.MULTILINE)
    sizes = {name: (sha256, int(size.replace(",", ""))) for sha256, size, name in told}
    for path in (stages / "checked" / "data").rglob("*.parquet"):
        data = path.read_bytes()
        name = str(path.relative_to(stages / "checked"))
        assert sizes.pop(name) == (hashlib.sha256(data).hexdigest(), len(data))
    text = card.read_bytes()
    assert sizes.pop("README.md") == (hashlib.sha256(text).hexdigest(), len(text))
    assert {name.split("/")[0] for name in sizes} == {"manifest.json", "batches"}
    for line in ("private dataset repository org/corpus", "tag the commit v1.0", "valid"):
        assert line in result.stdout


def test_the_card_tells_what_the_stages_found(stages: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    result = publish(stages / "checked", "--repo", REPO, "--dry-run", "--card", card)
    assert result.stderr == ""
    text = card.read_text()
    report = store.read_json(stages / "filtered" / "report.json")["languages"]["fra_Latn"]
    assert report["rejected"] == 1
    assert f"| `fra_Latn` | all rows | 1 | – | {report['kept']} |" in text
    for reason, counts in report["reasons"].items():
        assert (
            f"| `fra_Latn` | {reason} | {counts['rejected']} | {counts['alone']} | "
            f"{counts['left']} |" in text
        )
    assert "1 question leaked, in 3 rows over all languages; it was removed." in text
    assert "- small (`eval.jsonl@" in text
    assert "never checked" not in text
    assert str(stages) not in text


def test_never_checked_is_warned_of(stages: Path, tmp_path: Path) -> None:
    result = publish(stages / "filtered", "--repo", REPO, "--dry-run")
    assert result.exit_code == 0
    assert "Warning: this corpus was never checked for leakage" in result.stderr


def test_a_check_that_only_told_goes_into_the_card(stages: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    options = ("--dry-run", "--card", card, "--leakage", stages / "report")
    result = publish(stages / "filtered", "--repo", REPO, *options)
    assert result.stderr == ""
    assert "**it is still in the data.**" in card.read_text()
    other = translated(tmp_path / "other", source="another@1", license="mit")
    assert "a check of this corpus" in refused(
        other, "--repo", REPO, "--leakage", stages / "report"
    )


def test_a_freer_licence_is_spelled_out_and_warned_of(stages: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    options = ("--dry-run", "--card", card, "--license", "cc-by-4.0")
    result = publish(stages / "checked", "--repo", REPO, *options)
    assert result.exit_code == 0
    assert "Warning: cc-by-4.0 is freer than the licence of the model" in result.stderr
    assert "license: cc-by-4.0\n" in card.read_text()
    assert "> **Licence.** cc-by-4.0 is freer" in card.read_text()


def test_licences_that_do_not_go_together(tmp_path: Path) -> None:
    made = translated(tmp_path / "made", license="cc-by-sa-4.0")
    assert "choose with --license" in refused(made, "--repo", REPO)
    assert "share alike" in refused(made, "--repo", REPO, "--license", "cc-by-nc-4.0")


def test_a_changed_corpus(corpus: Path) -> None:
    path = next((corpus / "data" / "fra_Latn").iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # the same size
    path.write_bytes(data)
    line = refused(corpus, "--repo", REPO)
    assert "was changed since it was made" in line
    assert path.name in line


def test_a_half_written_corpus(corpus: Path) -> None:
    next((corpus / "data" / "fra_Latn").iterdir()).unlink()
    assert "missing or cut short" in refused(corpus, "--repo", REPO)
    (corpus / "manifest.json").unlink()
    assert "half-written" in refused(corpus, "--repo", REPO)


def test_a_folder_that_is_no_corpus(tmp_path: Path, stages: Path) -> None:
    assert "expected a corpus folder" in refused(tmp_path, "--repo", REPO)
    assert "found leakage" in refused(stages / "report", "--repo", REPO)


def test_a_plan_of_another_corpus(stages: Path, tmp_path: Path) -> None:
    plan = ("--plan", stages / "batches")
    assert "expected a plan on filtered@" in refused(stages / "filtered", "--repo", REPO, *plan)
    assert "expected a plan of batches" in refused(
        stages / "checked", "--repo", REPO, "--plan", tmp_path
    )


def test_a_name_that_is_none_is_refused_first(tmp_path: Path) -> None:
    assert "expected org/name" in refused(tmp_path / "none", "--repo", "corpus")


def test_without_a_token(stages: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    result = publish(stages / "checked", "--repo", REPO)
    assert result.exit_code == 2
    assert "hf auth login" in result.stderr
