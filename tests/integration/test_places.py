"""Every command and every option that names a place, with places that are none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from qa_parallel.cli import main
from tests.small_corpora import corpus_folder, corpus_frame, parallel

# What is named: BAD; everything else that the command needs is there.
COMMANDS = {
    "translate": ("--source=BAD", "--source=faq.csv --out=BAD", "--source=faq.csv --cache=BAD",
                  "--source=faq.csv --model=BAD", "--source=faq.csv --restrict-vocabulary=BAD"),
    "filter": ("BAD", "corpus --out=BAD", "corpus --encoder=BAD", "corpus --detector=BAD"),
    "check-leakage": ("BAD", "corpus --against=x=BAD", "corpus --against=x=BAD?language=de",
                      "corpus --out=BAD", "corpus --encoder=BAD"),
    "build-batches": ("BAD", "corpus BAD", "corpus --out=BAD"),
    "evaluate": ("--eval=x=BAD", "--eval=x=known --encoder=BAD", "--eval=x=known --cache=BAD",
                 "--eval=x=known --embeddings=BAD", "--eval=x=known --out=BAD",
                 "--eval=x=known --texts=BAD", "BAD BAD --compare"),
    "train-eval": ("BAD", "--corpus=BAD", "--corpus=corpus --encoder=BAD",
                   "--corpus=corpus --eval=x=BAD", "--corpus=corpus --out=BAD",
                   "--corpus=corpus --cache=BAD"),
    "report": ("BAD",),
    "publish": ("BAD", "corpus --plan=BAD", "corpus --evaluation=BAD"),
    "import": ("--parallel=BAD", "--parallel=en=faq.csv --parallel=de=BAD",
               "--parallel=en=faq.csv --parallel=de=faq.csv --out=BAD"),
    "run": ("BAD", "recipe.toml --out=BAD", "recipe.toml --set=source.source=BAD",
            "recipe.toml --set=model.model=BAD", "recipe.toml --set=check-leakage.against.x=BAD",
            "recipe.toml --set=filter.encoder=BAD", "recipe.toml --set=out=BAD"),
}  # fmt: skip
# What a command wants to be told besides, where its line does not say it.
NEEDED = {
    "translate": ("--out=out", "--to=de", "--model=demo"),
    "filter": ("--out=out", "--detector=none"),
    "check-leakage": ("--out=out", "--against=x=known"),
    "build-batches": ("--out=out",),
    "evaluate": ("--out=out", "--encoder=demo"),
    "train-eval": ("--out=out", "--encoder=demo", "--eval=x=known", "--strategies=hybrid"),
    "publish": ("--repo=org/name", "--dry-run"),
    "import": ("--out=out",),
}
PLACES = {
    "no such user": "~nosuchuser/x",
    "300 letters": "a" * 300,
    "a newline": "two\nlines",
    "a NUL": "two\0words",
    "through a file": "faq.csv/x",
    "unreadable": "closed",
}
RECIPE = """
name = "small"
out = "run"
[source]
source = "faq.csv"
[model]
model = "demo"
[translate]
to = ["deu_Latn"]
[filter]
[check-leakage]
against = { x = "known" }
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that anybody can reach, which pytest's own are not, with `closed` in it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "faq.csv").write_text("id,question,answer\n1,Where is it?,there\n2,Who?,nobody\n")
    (folder / "known").mkdir()
    (folder / "known" / "de.jsonl").write_text('{"id": "a", "question": "Wo?", "context": "Da."}\n')
    (folder / "recipe.toml").write_text(RECIPE)
    corpus_folder(folder / "corpus", corpus_frame(parallel(6, ["eng_Latn", "deu_Latn"])))
    (folder / "closed").mkdir(mode=0o000)
    yield folder
    shutil.rmtree(folder)


def lines() -> Iterator[tuple[str, str, str]]:
    for command, variants in COMMANDS.items():
        for variant in variants:
            for name in PLACES:
                yield command, variant, name


@pytest.mark.parametrize(("command", "line", "name"), list(lines()))
def test_a_place_that_is_none(
    command: str, line: str, name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    given = [part.replace("BAD", PLACES[name]) for part in line.split()]
    more = [one for one in NEEDED.get(command, ()) if one.split("=")[0] not in line]
    if "--embeddings" in line:
        more.remove("--encoder=demo")
    if command == "train-eval" and "--corpus" not in line:
        more.remove("--strategies=hybrid")
    environment = {"QA_PARALLEL_CACHE": str(home / "cache"), "HF_HUB_OFFLINE": "1"}
    root = os.geteuid() == 0
    if root and name == "unreadable":
        os.seteuid(65534)  # nobody, who may not read it either
    try:
        done = CliRunner().invoke(main, [command, *given, *more], env=environment)
    finally:
        if root:
            os.seteuid(0)
    assert done.exit_code == 2, (done.output, done.exception)
    assert isinstance(done.exception, SystemExit)
    *before, last = done.stderr.splitlines()
    assert last.startswith("Error: "), done.stderr
    assert not [line for line in before if line.startswith(("Error", "Traceback"))]
    assert not (home / "out" / "manifest.json").exists()
