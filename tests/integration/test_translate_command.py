"""`qa-parallel translate` from end to end, on a tiny random model of NLLB's architecture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel.cli import main
from qa_parallel.schema import CORPUS
from qa_parallel.storage import store
from tests.chaos.kill import digests

ROWS: list[dict[str, Any]] = [
    {
        "id": f"r{number}",
        "question": f"Where did the cat sit on day {number}?",
        "answer": "on the mat",
        "passage": f"The cat sat on the mat. It was day {number // 5}. A dog ran in the park.",
    }
    for number in range(30)
]
NASTY = [
    "nul \x00 byte",
    "x" * 100_000,
    "word " * 20_000,
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "مرحبا بالعالم. كيف حالك؟",
    "\ud800 lone surrogate",
    "</s> <unk> <pad> deu_Latn fra_Latn",
    "\u202e\u202dbidi\u202c",
    "." * 3000,
    "\ufeff\u200b",
    "a\n\n\n\nb\r\nc",
    "&#39;<script>alert(1)</script>",
]

Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "qa.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def run(tmp_path: Path, tiny_nllb: Path) -> Run:
    def call(*options: object, out: Path = tmp_path / "out", **kwargs: Any) -> Result:
        fixed = {"--model": tiny_nllb, "--cache": tmp_path / "cache", "--out": out, "--beam": 1}
        given = {name: value for name, value in fixed.items() if name not in options}
        arguments = [*options, *(part for pair in given.items() for part in pair)]
        return CliRunner().invoke(main, ["translate", *map(str, arguments)], **kwargs)

    return call


def test_the_outcome(run: Run, data: Path, tmp_path: Path) -> None:
    result = run("--source", data, "--to", "de,fra_Latn", "--window-rows", 7, "--shard-rows", 14)
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    files = sorted(path.name for path in (out / "data" / "deu_Latn").iterdir())
    assert files == [f"train-{n:05d}-of-00003.parquet" for n in range(3)]
    frames = {
        code: pl.concat([pl.read_parquet(path) for path in sorted((out / "data" / code).iterdir())])
        for code in ("eng_Latn", "deu_Latn", "fra_Latn")
    }
    for code, frame in frames.items():
        assert frame.schema == CORPUS
        assert frame["language"].unique().to_list() == [code]
        assert frame["qa_id"].to_list() == [row["id"] for row in ROWS]
    english = frames["eng_Latn"]
    assert english["question"].to_list() == [row["question"] for row in ROWS]
    assert english["passage_id"].n_unique() == 6
    assert english["answer_sentences"].to_list() == [[0]] * 30
    german = frames["deu_Latn"]
    assert german["passage_id"].to_list() == english["passage_id"].to_list()
    assert german["sentence_breaks"].list.len().to_list() == [3] * 30
    assert german["question_logprob"].is_not_null().all()

    manifest = json.loads((out / "manifest.json").read_text())
    assert {name: item["sha256"] for name, item in manifest["files"].items()} == digests(out)
    stats = manifest["languages"]["deu_Latn"]
    # 30 questions, 30 answers, 3 sentences a passage; equal ones once in each window
    assert stats["segments"] == 30 + 30 + 90
    assert stats["translated"] + stats["cached"] == stats["unique"] < 60
    assert not (out / ".work").exists()


def test_load_dataset_reads_it(run: Run, data: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    assert run("--source", data, "--to", "de", "--limit", 5).exit_code == 0
    cache = str(tmp_path / "hf")
    german = load_dataset(str(tmp_path / "out"), "deu_Latn", cache_dir=cache)["train"]
    assert german.num_rows == 5
    assert german[0]["qa_id"] == "r0"
    assert load_dataset(str(tmp_path / "out"), cache_dir=cache)["train"].num_rows == 10


def test_a_second_run_has_nothing_to_do(run: Run, data: Path, tmp_path: Path) -> None:
    options = ("--source", data, "--to", "de", "--limit", 3)
    assert run(*options).exit_code == 0
    before = digests(tmp_path / "out")
    again = run(*options)
    assert again.exit_code == 0
    assert "complete already" in again.output
    assert digests(tmp_path / "out") == before


def test_another_language_later_translates_only_that(run: Run, data: Path, tmp_path: Path) -> None:
    assert run("--source", data, "--to", "de").exit_code == 0
    refused = run("--source", data, "--to", "de,fr")
    assert refused.exit_code == 2
    assert 'translate.to changed ["deu_Latn"] → ["deu_Latn", "fra_Latn"]' in refused.output
    assert "or --overwrite (known translations stay in the cache)" in refused.output
    assert run("--source", data, "--to", "de,fr", "--overwrite").exit_code == 0
    stats = store.read_json(tmp_path / "out" / "manifest.json")["languages"]
    assert stats["deu_Latn"]["translated"] == 0
    assert stats["fra_Latn"]["translated"] > 0


def test_the_cache_changes_nothing_in_the_outcome(run: Run, data: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert run("--source", data, "--to", "de", out=one).exit_code == 0
    assert run("--source", data, "--to", "de", out=two).exit_code == 0
    assert digests(one) == digests(two)


def test_interrupted_at_every_write_it_goes_on_to_the_same_files(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up at each write in turn; the user frees space and starts again."""
    options = ("--source", data, "--to", "de", "--window-rows", 10)
    assert run(*options, "--cache", tmp_path / "c1", out=tmp_path / "whole").exit_code == 0
    real, failures = os.replace, 0
    torn = tmp_path / "torn"
    for allowed in range(100):
        writes = 0

        def scarce(self: Path, target: Path, room: int = allowed) -> None:
            nonlocal writes
            writes += 1
            # one more write fits than last time
            if writes > 1 + room % 3:
                raise OSError(28, "No space left on device")
            real(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", scarce)
            result = run(*options, "--cache", tmp_path / "c2", out=torn)
        if result.exit_code == 0:
            break
        failures += 1
        assert result.exit_code == 2, result.output
        assert "disk is full" in result.output
        assert "Traceback" not in result.output
        if "data" in result.output.split("disk is full")[1]:
            # every later attempt would stop at the same shard: give it room
            assert run(*options, "--cache", tmp_path / "c2", out=torn).exit_code == 0
            break
    assert failures >= 3
    assert digests(torn) == digests(tmp_path / "whole")


def test_an_interrupted_run_is_not_finished_with_other_settings(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up when some windows are finished; then another beam is asked for."""
    options = ("--source", data, "--to", "de", "--window-rows", 5)
    real, writes = os.replace, 0

    def scarce(self: Path, target: Path) -> None:
        nonlocal writes
        writes += 1
        if writes > 6:
            raise OSError(28, "No space left on device")
        real(self, target)

    torn = tmp_path / "torn"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", scarce)
        assert run(*options, "--beam", 4, out=torn).exit_code == 2
    left = list((torn / ".work").rglob("deu_Latn.parquet"))
    assert left
    refused = run(*options, out=torn)
    assert refused.exit_code == 2
    assert "translate.beam changed 4 → 1" in refused.output
    assert all(path.exists() for path in left)
    assert run(*options, "--overwrite", out=torn).exit_code == 0
    for beam in (1, 4):
        assert run(*options, "--beam", beam, out=tmp_path / f"beam-{beam}").exit_code == 0
    assert digests(torn) == digests(tmp_path / "beam-1")
    assert digests(torn) != digests(tmp_path / "beam-4")


def test_sigterm_ends_in_order(data: Path, tiny_nllb: Path, tmp_path: Path) -> None:
    """The process says that it stopped, and the next run goes on."""
    import signal

    command = [
        *(sys.executable, "-m", "qa_parallel.cli", "translate", "--source", str(data)),
        *("--to", "de", "--model", str(tiny_nllb), "--cache", str(tmp_path / "cache")),
        *("--out", str(tmp_path / "out"), "--window-rows", "1"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    work = tmp_path / "out" / ".work"
    while process.poll() is None and not work.exists():
        pass
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    if process.returncode:  # else it was faster than the signal
        assert process.returncode == 143
        assert "Stopped. Finished work is kept" in errors
        assert "Traceback" not in errors
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_second_process_is_refused(run: Run, data: Path, tmp_path: Path) -> None:
    with store.locked(tmp_path / "out"):
        # filelock lets the same process in again, another one not: ask another one
        code = (
            "import sys; from pathlib import Path\n"
            "from qa_parallel.storage import store\n"
            "with store.locked(Path(sys.argv[1])): pass"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True
        )
    assert "another process is writing" in done.stderr


def test_nasty_strings_are_translated_or_flagged(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "nasty.jsonl"
    lines = [
        json.dumps({"id": f"n{n}", "question": f"why? {text}", "answer": text, "passage": text})
        for n, text in enumerate(NASTY)
    ]
    path.write_text("\n".join(lines))
    result = run("--source", path, "--to", "de")
    assert result.exit_code == 0, result.output
    german = pl.read_parquet(tmp_path / "out" / "data" / "deu_Latn" / "*.parquet")
    assert german["qa_id"].to_list() == [f"n{n}" for n in range(len(NASTY))]
    assert german["question"].is_not_null().all()


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b'{"question": "Why?"}\n{"question": \n', [], "2"),
        ('{"question": "é"}\n{"question": "caf'.encode() + b'\xe9"}\n', [], "UTF-8"),
        (b"", [], "qa.jsonl"),
        (b'{"frage": "Why?"}\n', [], "frage"),
        (b'{"question": "Why?"}\n', ["--columns", "question=frage"], "frage"),
        (b'{"question": "Why?"}\n', ["--columns", "nonsense"], "nonsense"),
        (b'{"question": "Why?"}\n', ["--to", "Germann"], "German"),
        (b'{"question": "Why?"}\n', ["--to", "kr"], "knc_Arab"),
        (b'{"question": "Why?"}\n', ["--to", "en"], "expected a language to translate into"),
        (b'{"question": "Why?"}\n', ["--to", "swh_Latn"], "swh_Latn"),
        (b'{"question": "Why?"}\n', ["--source-language", "swh_Latn"], "swh_Latn"),
        (b'{"question": "Why?"}\n', ["--device", "cuda"], "expected a CUDA device, found none"),
        (b'{"question": "Why?"}\n', ["--model", "/nowhere/model"], "/nowhere/model"),
        (b'{"question": "Why?"}\n', ["--compute-type", "int3"], "int3"),
        (b'{"question": "Why?"}\n', ["--beam", "0"], "beam"),
        (b'{"question": "Why?"}\n', ["--to", ","], "expected a language to translate into"),
        (b'{"question": "Why?"}\n', ["--split", "../../esc"], "expected a split of letters"),
        (b'{"question": "Why?"}\n', ["--source", "~nouser/x.json"], "~nouser/x.json"),
        (b'{"question": "Why?"}\n', ["--source", "x" * 5000], "expected an existing path"),
        (b'{"question": "Why?"}\n', ["--model", "y" * 5000], "expected 'demo', a folder or"),
        (b'{"question": "Why?"}\n', ["--source", "/nowhere/qa.jsonl"], "/nowhere/qa.jsonl"),
    ],
)
def test_bad_input_is_one_clear_line(
    run: Run, tmp_path: Path, content: bytes, options: list[str], says: str
) -> None:
    path = tmp_path / "qa.jsonl"
    path.write_bytes(content)
    given = [*([] if "--source" in options else ["--source", str(path)]), *options]
    if "--to" not in options:
        given += ["--to", "de"]
    result = run(*given)
    assert result.exit_code == 2, result.output
    errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_row_without_a_question_is_left_out_and_counted(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "qa.jsonl"
    path.write_text('{"question": "Why?", "answer": "So."}\n{"question": " ", "answer": "No."}\n')
    assert run("--source", path, "--to", "de").exit_code == 0
    manifest = store.read_json(tmp_path / "out" / "manifest.json")
    assert manifest["languages"]["deu_Latn"]["rows"] == 1
    assert manifest["source_counts"]["without_question"] == 1


def test_a_folder_of_something_else_is_left_alone(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "data").mkdir()
    (out / "data" / "thesis.tex").write_text("years of work")
    for options in ([], ["--overwrite"]):
        result = run("--source", data, "--to", "de", *options)
        assert result.exit_code == 2
        assert "an empty folder, or one that this command made, found 'data'" in result.output
    assert (out / "data" / "thesis.tex").read_text() == "years of work"


def test_settings_of_another_program_do_not_make_a_folder_ours(
    run: Run, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "data").mkdir(parents=True)
    (out / "settings.json").write_text('{"theme": "dark"}')
    (out / "data" / "x.txt").write_text("precious")
    result = run("--source", data, "--to", "de", "--overwrite")
    assert result.exit_code == 2
    assert (out / "data" / "x.txt").read_text() == "precious"
    assert not (out / ".lock").exists()


def test_a_kill_in_the_first_moment_is_no_obstacle(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".settings.json.part").write_text("{")
    (out / ".lock").write_text("")
    assert run("--source", data, "--to", "de", "--limit", 2).exit_code == 0


def test_a_damaged_folder_is_made_whole_again(run: Run, data: Path, tmp_path: Path) -> None:
    options = ("--source", data, "--to", "de", "--limit", 4)
    assert run(*options).exit_code == 0
    before = digests(tmp_path / "out")
    (file,) = (tmp_path / "out" / "data" / "deu_Latn").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    again = run(*options)
    assert again.exit_code == 0
    assert "complete already" not in again.output
    assert digests(tmp_path / "out") == before


def test_overwrite_starts_over(run: Run, data: Path, tmp_path: Path) -> None:
    options = ("--source", data, "--to", "de", "--limit", 4)
    assert run(*options).exit_code == 0
    again = run(*options, "--overwrite")
    assert again.exit_code == 0
    assert "complete already" not in again.output


def test_an_out_with_the_signs_of_a_pattern(run: Run, data: Path, tmp_path: Path) -> None:
    for name in ("o[1]", "o*", "x[/b]"):
        out = tmp_path / name
        for _ in range(2):
            result = run("--source", data, "--to", "de", "--limit", 2, out=out)
            assert result.exit_code == 0, result.output


def test_a_corpus_of_ours_as_a_source(run: Run, data: Path, tmp_path: Path) -> None:
    assert run("--source", data, "--to", "de", "--license", "cc0-1.0").exit_code == 0
    first, again = tmp_path / "out", tmp_path / "again"
    refused = run("--source", first, "--to", "fr", out=again)
    assert refused.exit_code == 2
    assert f"give the folder of one language, {first}/data/eng_Latn" in refused.output
    assert run("--source", first / "data" / "eng_Latn", "--to", "fr", out=again).exit_code == 0
    french = pl.read_parquet(again / "data" / "fra_Latn" / "*.parquet")
    english = pl.read_parquet(first / "data" / "eng_Latn" / "*.parquet")
    assert french["qa_id"].to_list() == english["qa_id"].to_list()
    assert french["passage_id"].to_list() == english["passage_id"].to_list()
    assert french["license"].unique().to_list() == ["cc0-1.0"]


def test_an_out_that_cannot_be_a_folder(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("--source", data, "--to", "de", out=tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "cannot write" in result.output
