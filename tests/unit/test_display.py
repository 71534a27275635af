"""What is shown on any width, in notebooks, and to those who want to know everything."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel import api, display
from qa_parallel.batches import summary as batches
from qa_parallel.evaluation import summary as evaluation
from qa_parallel.filters import summary as filters
from qa_parallel.leakage import summary as leakage
from qa_parallel.results import CacheContents, Forecast, Shown, read_result
from qa_parallel.storage import summary as storage
from qa_parallel.storage.caches import Entry
from qa_parallel.training import summary as training
from tests import invented
from tests.small_run import small_run

CACHE = [
    Entry("models", Path("m"), 2_345_678_901, 0),
    Entry("vectors", Path("v"), 87_654, 0),
    *(Entry("rows", Path(str(number)), 1_003, 0) for number in range(1234)),
]
TABLES: dict[str, Callable[[], Iterable[Any]]] = {
    "translate": lambda: storage.counts(invented.translated()),
    "filter": lambda: filters.describe(invented.filtered()),
    "check-leakage": lambda: leakage.describe(invented.leaked()),
    "build-batches": lambda: batches.tables(invented.plan()),
    "evaluate": lambda: evaluation.describe(invented.evaluation()),
    "compare": lambda: evaluation.differences(invented.differences()),
    "train-eval": lambda: training.describe(invented.experiment()),
    "cache": CacheContents(Path("cache"), CACHE).tables,
}


def figures(text: str) -> Counter[str]:
    return Counter(re.findall(r"[-+]?\d(?:[\d,.]*\d)?", text))


def cells(parts: Iterable[RenderableType]) -> str:
    """The texts of all cells and lines, one after another."""
    found = []
    for part in parts:
        if isinstance(part, Table):
            for column in part.columns:
                found += [one if isinstance(one, Text) else Text(str(one)) for one in column.cells]
        else:
            found.append(part if isinstance(part, Text) else Text(str(part)))
    return "\n".join(one.plain for one in found)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("name", TABLES)
def test_no_width_cuts_a_figure(name: str, width: int) -> None:
    shown = display.printed(TABLES[name](), width)
    wanted = cells(TABLES[name]())
    missing = figures(wanted) - figures(shown)
    assert not missing
    assert shown.count("…") == wanted.count("…")
    assert all(len(line) <= width for line in shown.splitlines() if not line.startswith("The "))


@pytest.mark.parametrize("name", TABLES)
def test_a_wide_terminal_shows_tables_as_they_are(name: str) -> None:
    plain = Console(width=200, no_color=True)
    with plain.capture() as captured:
        plain.print(*TABLES[name](), sep="\n", highlight=False, markup=False)
    shown = display.printed(TABLES[name](), 200)
    assert shown.split() == captured.get().split()


def test_words_give_way_to_paths() -> None:
    table = Table("outcome", box=None, pad_edge=False)
    table.add_column("folder", overflow="fold")
    table.add_row("many words that can be broken", "out/quickstart/translated")
    assert "out/quickstart/translated" in display.printed([table], 40)


def test_the_width_is_that_of_the_terminal_or_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert display.console().width == display.WIDTH
    monkeypatch.setenv("COLUMNS", "60")
    assert display.console().width == 60


def test_a_string_is_never_folded_nor_read_as_markup() -> None:
    line = f"[red]{'x' * 90}[/red] is where it is."
    assert display.printed([line], 40) == line


# -- notebooks


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Rich believes that it is in a notebook; what it shows there is in the list."""
    shown: list[Any] = []
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    fake = ModuleType("IPython.display")
    fake.display = shown.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    return shown


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("results") / "run")


STAGES = {
    "filtered": "filter",
    "checked": "check-leakage",
    "batches": "build-batches",
    "evaluated": "evaluate",
    "trained": "train-eval",
}


def results(made: Path) -> dict[str, Shown]:
    found: dict[str, Shown] = {name: read_result(made / name) for name in STAGES}
    found["cache"] = CacheContents(Path("cache"), CACHE)
    found["forecast"] = Forecast(made, {"translate": (), "filter": ("its input changes",)})
    return found


def test_every_result_is_shown_in_a_notebook(made: Path, notebook: list[Any]) -> None:
    for name, result in results(made).items():
        html = result._repr_html_()
        assert html.startswith("<pre"), name
        assert str(result).splitlines()[0], name
        assert repr(result).startswith("<"), name
        assert figures(str(result)) or name == "forecast"
        # what is asked for as a text is not shown besides
        assert notebook == [], name
    assert "would run (its input changes)" in str(results(made)["forecast"])


def test_records_for_scripts_are_json(made: Path) -> None:
    import json

    for name, result in results(made).items():
        record = json.loads(json.dumps(result.record(), allow_nan=False))
        if name in STAGES:
            assert record["stage"] == STAGES[name]
            assert record["folder"] == str(made / name)
            assert record["complete_before"] is True
            assert record["counts"]
            assert record["figures"]


@pytest.mark.parametrize("widgets", [True, False])
def test_bars_are_drawn_in_a_notebook_that_can(
    widgets: bool, notebook: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace() if widgets else None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    target = display.console(stderr=True)
    assert target.is_jupyter
    assert display.is_live(target) is widgets
    assert target.width == display.WIDTH
    assert notebook == []


# -- who wants to know everything


def test_verbose_is_a_line_for_each_thing(capsys: pytest.CaptureFixture[str]) -> None:
    with display.telling("verbose") as told:
        told.tell("reading [all]")
        told.warn("it is late")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" s  ")[-1] for line in lines] == [
        "reading [all]",
        "Warning: it is late",
        "done",
    ]
    assert re.match(r" +\d+\.\d s  reading", lines[0])


def test_without_a_terminal_little_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with display.telling(True) as told:
        told.tell("reading")
    assert capsys.readouterr() == ("", "")
    with display.telling(False) as told, pytest.warns(display.QAParallelWarning, match="late"):
        told.warn("it is late")


def test_translation_says_its_windows_where_all_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"question": "Where is my dog?", "answer": "At home."}]
    api.translate(rows, to="fr", model="demo", out=tmp_path / "out", progress="verbose")
    assert re.search(r"\d s  fra_Latn: 1/1 rows", capsys.readouterr().err)
