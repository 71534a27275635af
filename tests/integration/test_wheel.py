"""What a wheel carries is enough: the demonstration model translates from an installed one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import qa_parallel
from qa_parallel.cli.help_ import PAGES

ROOT = Path(qa_parallel.__file__).parent.parent
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel."""
    home = tmp_path_factory.mktemp("wheel")
    checkout = home / "checkout"
    checkout.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, checkout)
    for name in ("qa_parallel", "recipes"):
        shutil.copytree(
            CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheels, site = home / "wheels", home / "site"
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(checkout)],
        check=True,
    )
    (wheel,) = wheels.glob("qa_parallel-*.whl")
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)], check=True
    )
    return site


def call(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command, outside the clone."""
    code = (
        "import sys, qa_parallel\n"
        f"assert qa_parallel.__file__.startswith({str(site)!r}), qa_parallel.__file__\n"
        "from qa_parallel.cli import main\n"
        "main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site), "QA_PARALLEL_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_translate_from_an_installed_wheel(site: Path, tmp_path: Path) -> None:
    questions = tmp_path / "qa.csv"
    questions.write_text("question,answer\nWhere is my dog?,It is in the garden.\n")
    options = ["--to", "fr", "--model", "demo", "-o", "corpus"]
    done = call(site, tmp_path, "translate", str(questions), *options)
    assert "demonstration only" in done.stderr
    assert (tmp_path / "corpus" / "data" / "fra_Latn").is_dir()


def test_every_file_is_in_the_wheel(site: Path) -> None:
    packed = (path for path in (CHECKOUT / "qa_parallel").rglob("*") if path.is_file())
    ours = [path.relative_to(CHECKOUT) for path in packed if path.suffix != ".pyc"]
    assert len(ours) > 100
    assert not [name for name in ours if not (site / name).is_file()], "not in the wheel"
    assert list(site.glob("qa_parallel-*.dist-info/licenses/LICENSE"))


def test_recipes_travel_in_the_wheel(site: Path, tmp_path: Path) -> None:
    listed = json.loads(call(site, tmp_path, "recipes", "--json").stdout)["recipes"]
    assert [one["name"] for one in listed][:2] == ["quickstart", "own-faq"]
    assert {Path(one["path"]).parent for one in listed} == {site / "qa_parallel" / "recipes"}
    assert len(listed) == len(list((CHECKOUT / "recipes").glob("*.toml")))
    short = ["--until-stage", "check-leakage", "--set", "source.limit=20", "--set"]
    call(site, tmp_path, "run", "quickstart", *short, 'translate.to=["fr"]')
    assert (tmp_path / "out" / "quickstart" / "checked" / "manifest.json").is_file()
    call(site, tmp_path, "recipes", "copy", "own-faq", "mine.toml")
    said = call(site, tmp_path, "run", "mine.toml", "--dry-run").stdout
    assert said.startswith("translate: would run")
    assert not (site / "qa_parallel" / "recipes" / "demo_model").exists()


def test_the_manual_travels_in_the_wheel(site: Path, tmp_path: Path) -> None:
    for stage, package in PAGES.items():
        page = (CHECKOUT / "qa_parallel" / package / "README.md").read_text("utf-8")
        assert (site / "qa_parallel" / package / "README.md").read_text("utf-8") == page, stage
    page = (CHECKOUT / "qa_parallel" / "translation" / "README.md").read_text("utf-8")
    assert call(site, tmp_path, "help", "translate").stdout.strip() == page.strip()


def test_every_package_is_packed() -> None:
    found = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    modules = (path.relative_to(CHECKOUT) for path in (CHECKOUT / "qa_parallel").rglob("*.py"))
    packages = {".".join(path.parent.parts) for path in modules} | {"qa_parallel.recipes"}
    assert set(found["tool"]["setuptools"]["packages"]) == packages


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
