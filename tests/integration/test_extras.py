"""A library of an extra that is not installed: one line with the command, before any work."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import qa_parallel
from qa_parallel import extras
from qa_parallel.cli import main
from qa_parallel.errors import ExtraError
from qa_parallel.translation.vocabulary import restricted

PACKAGE = Path(qa_parallel.__file__).parent
ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "pyproject.toml"

RECIPE = """
name = "small"
out = "out"
[source]
source = "qa.csv"
[model]
model = "demo"
[translate]
to = ["fra_Latn"]
"""
EVALUATE = '[evaluate]\nencoder = "demo"\nsets = { known = "known" }\n'
TRAIN = '[build-batches]\n[train-eval]\nencoder = "demo"\nsets = { known = "known" }\n'

TRAIN_PLAN = "train-eval plan --encoder demo --eval known=known --out out"
TRAIN_CORPUS = "train-eval --corpus qa.csv --encoder demo --eval known=known --out out"


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("torch", "translate --source qa.csv --to fr --model hf --out out", "convert"),
        ("safetensors", "translate --source qa.csv --to fr --model hf --out out", "convert"),
        ("torch", "filter qa.csv --encoder encoder --out out", "train"),
        ("torch", "check-leakage qa.csv --against known=known --encoder encoder", "train"),
        ("torch", "evaluate --encoder demo --eval known=known --out out", "train"),
        ("safetensors", "evaluate --encoder demo --eval known=known --out out", "train"),
        ("torch", TRAIN_PLAN, "train"),
        ("torch", TRAIN_CORPUS, "train"),
        ("accelerate", TRAIN_PLAN, "train"),
        ("accelerate", TRAIN_CORPUS, "train"),
        ("torch", "run evaluate.toml", "train"),
        ("accelerate", "run train.toml", "train"),
        ("accelerate", "run train.toml --dry-run", "train"),
        ("heliport", "filter qa.csv --detector heliport --out out", "lid"),
        ("ray", "translate --source qa.csv --to fr --model demo --engine ray --out out", "ray"),
    ],
)
def test_a_missing_library_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    module: str,
    command: str,
    extra: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QA_PARALLEL_CACHE", str(tmp_path / "cache"))
    if "--model hf" in command:
        Path("hf").symlink_to(request.getfixturevalue("tiny_nllb"))
    Path("encoder").symlink_to(PACKAGE / "demo" / "hf")
    Path("known").symlink_to(ROOT / "recipes" / "quickstart" / "eval")
    Path("qa.csv").write_text("question,answer\nWhere is my dog?,It is in the garden.\n")
    Path("evaluate.toml").write_text(RECIPE + EVALUATE)
    Path("train.toml").write_text(RECIPE + TRAIN)
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not there, to any import
    done = CliRunner().invoke(main, command.split())
    last = done.stderr.strip().splitlines()[-1]
    assert done.exit_code == 2, done.output
    assert last.startswith("Error: ")
    assert f'{module}, which is not installed; pip install "qa-parallel[{extra}]"' in last
    assert "Traceback" not in done.stderr
    assert not list(Path().glob("out/**/*.parquet"))


def test_stages_before_it_need_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QA_PARALLEL_CACHE", str(tmp_path / "cache"))
    Path("known").symlink_to(ROOT / "recipes" / "quickstart" / "eval")
    Path("qa.csv").write_text("question,answer\nWhere is my dog?,It is in the garden.\n")
    Path("evaluate.toml").write_text(RECIPE + EVALUATE)
    monkeypatch.setitem(sys.modules, "torch", None)
    done = CliRunner().invoke(main, ["run", "evaluate.toml", "--until-stage", "translate"])
    assert done.exit_code == 0, done.output
    assert list(Path().glob("out/translated/**/*.parquet"))


def test_what_only_python_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(ExtraError, match=r'pip install "qa-parallel\[dev\]"'):
        restricted._chrf(["a"], ["a"])


def asked() -> Iterator[tuple[str, str]]:
    """Extra and module of every call of `extras.require`."""
    for path in PACKAGE.rglob("*.py"):
        for extra, modules in re.findall(
            r"extras\.require\(\s*\"(\w+)\",\s*[^,]+,\s*([^)]+)\)", path.read_text("utf-8")
        ):
            names = {"*extras.LOADING": extras.LOADING, "*extras.TRAINING": extras.TRAINING}
            for module in names.get(modules, re.findall(r'"(\w+)"', modules)):
                yield extra, module


def brought() -> dict[str, set[str]]:
    """The libraries of each extra of pyproject.toml, those of extras within it included."""
    table = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    found: dict[str, set[str]] = {}

    def of(extra: str) -> set[str]:
        if extra not in found:
            found[extra] = set()
            for one in table[extra]:
                inner = re.fullmatch(r"qa-parallel\[([\w,]+)\]", one)
                names = inner[1].split(",") if inner else ()
                found[extra] |= {re.split(r"[<>=\[]", one)[0]}.union(*map(of, names))
        return found[extra]

    for extra in table:
        of(extra)
    return found


def test_an_extra_brings_what_it_is_asked_for() -> None:
    found, brings = set(asked()), brought()
    assert {extra for extra, _ in found} == {"convert", "train", "adapters", "lid", "ray", "dev"}
    assert not {(extra, module) for extra, module in found if module not in brings[extra]}


def test_no_library_of_an_extra_is_imported_with_a_module() -> None:
    modules = {module for _, module in asked()}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not modules & {name.partition(".")[0] for name in names}, path
