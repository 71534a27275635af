"""The commands for scripts: one JSON object on standard output, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from qa_parallel.cli import main

ROWS = """\
id,question,answer,passage
q1,Where is my dog?,in the garden,My dog is in the garden. It sleeps.
q2,When do you open?,at nine,We open at nine. We close at five.
q3,Who is that man?,my father,That man is my father. He is old.
q4,What did she buy?,a new car,She bought a new car. It is red.
"""
KNOWN = """\
id,question,answer,passage
k1,Where is my dog?,in the garden,A dog.
k2,How old is the house?,a hundred years,The house is a hundred years old.
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "faq.csv").write_text(ROWS)
    (folder / "known.csv").write_text(KNOWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("QA_PARALLEL_CACHE", str(folder / "cache"))
        made = call("translate", "faq.csv", "--to", "fr", "--model", "demo", "-o", "corpus", "-q")
        assert (made.exit_code, made.output) == (0, "")
        yield folder


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def record(*arguments: object, code: int = 0) -> dict[str, Any]:
    """The one object that is printed."""
    result = call(*arguments, "--json")
    assert result.exit_code == code, result.output
    assert result.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_corpus(home: Path) -> None:
    found = record("translate", "--source", "faq.csv", "--to", "fr", "--model", "demo", "-o", "one")
    assert found["stage"] == "translate"
    assert (found["folder"], found["complete_before"]) == ("one", False)
    assert found["counts"]["languages"] == {"eng_Latn": 4, "fra_Latn": 4}
    assert found["figures"]["fra_Latn"]["rows"] == 4
    again = ("translate", "faq.csv", "--to", "fr", "--model", "demo", "-o", "one")
    assert record(*again)["complete_before"] is True
    assert "one is complete already; nothing to do." in call(*again).stdout
    assert call(*again, "--quiet").output == ""


def test_every_language_of_the_model(home: Path) -> None:
    found = record("translate", "faq.csv", "--to", "all", "--model", "demo", "-o", "all")
    assert set(found["counts"]["languages"]) == {
        *("eng_Latn", "fra_Latn", "deu_Latn", "spa_Latn", "mar_Deva"),
    }


def test_filter_check_and_plan(home: Path) -> None:
    found = record("filter", "corpus", "-o", "clean", "--set", "length=off")
    assert found["stage"] == "filter"
    assert found["counts"]["rows"] == sum(one["kept"] for one in found["figures"].values())
    # the set is called as its file is
    found = record("check-leakage", "corpus", "--against", "known.csv", "-o", "checked")
    assert found["counts"]["leaked"]["questions"] == 1
    assert {one["benchmark"] for one in found["figures"]} == {"known"}
    found = record("build-batches", "corpus", "-o", "plan", "--batch-size", 2, "--validation", 0)
    assert found["counts"]["steps"]["train"] == found["figures"]["train"]["steps"] == 4


def test_what_leaks_is_printed_before_the_command_fails(home: Path) -> None:
    given = ("check-leakage", "corpus", "--against", "known.csv", "--action", "fail")
    found = record(*given, code=3)
    assert found["folder"] is None  # nothing is written without --out
    assert found["counts"]["leaked"]["questions"] == 1
    said = call(*given)
    assert said.exit_code == 3
    assert "same text" in said.stdout
    assert "The report is in" not in said.stdout
    quiet = call(*given, "-q")
    assert (quiet.exit_code, quiet.stdout) == (3, "")
    assert quiet.stderr.startswith("Error: expected no question of known")


def test_an_evaluation(home: Path) -> None:
    found = record("evaluate", "--encoder", "demo", "--eval", "known.csv", "-o", "first")
    assert found["counts"]["known"]["queries"] == 2
    assert {one["setting"] for one in found["figures"]} == {"monolingual"}
    without = record("evaluate", "--encoder", "demo", "--eval", "known.csv")
    assert without["folder"] is None
    assert without["figures"] == found["figures"]
    assert record("evaluate", "--eval", "known.csv", "--texts", "texts.jsonl") == {
        "file": "texts.jsonl",
        "texts": 4,
    }
    record("evaluate", "--encoder", "demo", "--eval", "known.csv", "--debias", "-o", "second")
    compared = record("evaluate", "first", "second", "--compare", "--samples", 100)
    assert {one["system"] for one in compared["figures"]} != {None}


def test_a_recipe_and_its_page(home: Path) -> None:
    (home / "small.toml").write_text(
        'name = "small"\nout = "out"\n[source]\nsource = "faq.csv"\n[model]\nmodel = "demo"\n'
        '[translate]\nto = ["fr"]\n[filter]\n'
    )
    foreseen = record("run", "small.toml", "--dry-run")
    assert foreseen["would_run"] == {
        "translate": ["no output yet"],
        "filter": ["its input changes"],
    }
    found = record("run", "small.toml")
    assert [one["stage"] for one in found["stages"]] == ["translate", "filter"]
    assert found["page"] == "out/report.html"
    assert record("report", "out", "--rows", 2)["page"] == "out/report.html"


def test_verbose_tells_the_steps_with_their_times(home: Path) -> None:
    result = call("filter", "corpus", "-o", "loud", "-v")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert [line.split(" s  ")[-1] for line in lines][-2:] == ["writing", "done"]
    assert all(" s  " in line for line in lines)


def test_errors_leave_standard_output_empty(home: Path) -> None:
    result = call("filter", "nowhere", "-o", "never", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
