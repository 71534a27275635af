"""What a wheel carries is enough: the demonstration model translates from an installed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import qa_parallel

ROOT = Path(qa_parallel.__file__).parent.parent
CHECKOUT = Path(__file__).parents[2]


def test_translate_from_an_installed_wheel(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, checkout)
    shutil.copytree(
        CHECKOUT / "qa_parallel",
        checkout / "qa_parallel",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(checkout)],
        check=True,
    )
    (wheel,) = wheels.glob("qa_parallel-*.whl")
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)], check=True
    )
    questions = tmp_path / "qa.csv"
    questions.write_text("question,answer\nWhere is my dog?,It is in the garden.\n")
    code = (
        "import sys, qa_parallel\n"
        f"assert qa_parallel.__file__.startswith({str(site)!r}), qa_parallel.__file__\n"
        "from qa_parallel.cli import main\n"
        "main(sys.argv[1:])"
    )
    options = ["--source", str(questions), "--to", "fr", "--model", "demo", "--out", "corpus"]
    done = subprocess.run(
        [sys.executable, "-c", code, "translate", *options, "--cache", "cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "demonstration only" in done.stderr
    assert (tmp_path / "corpus" / "data" / "fra_Latn").is_dir()
    ours = [path for path in (checkout / "qa_parallel").rglob("*") if path.is_file()]
    missing = [path for path in ours if not (site / path.relative_to(checkout)).is_file()]
    assert len(ours) > 100
    assert not missing, "not in the wheel"
    assert list(site.glob("qa_parallel-*.dist-info/licenses/LICENSE"))


def test_the_model_translates_without_torch(tmp_path: Path) -> None:
    """As after `pip install .` without extras: torch cannot be imported."""
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    questions = tmp_path / "qa.csv"
    questions.write_text("question,answer\nWhere is my dog?,It is in the garden.\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "qa_parallel.cli", "translate", "--source", str(questions)),
            *("--to", "fr", "--model", "demo", "--out", "corpus", "--cache", "cache"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
