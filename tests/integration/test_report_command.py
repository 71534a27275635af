"""`qa-parallel report` end to end, looked at with a browser where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from qa_parallel.cli import main
from qa_parallel.storage import store
from tests.small_run import COPIED, LEAKED, NAMED, OVERRIDE, QUESTIONS, WORD, small_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

# A machine that is busy elsewhere may take its time.
_PATIENCE = 30_000


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every stage, and its page."""
    made = small_run(tmp_path_factory.mktemp("report") / "run <of> ours")
    done = report(made)
    assert done.exit_code == 0, done.output
    assert f"Open {made / 'report.html'} in a browser." in done.output
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"no browser is installed: none of {', '.join(names)}")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=_PATIENCE
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def seen() -> dict[str, list[str]]:
    """What the browser complained of, and asked for."""
    return {"complaints": [], "requests": []}


@pytest.fixture(scope="module")
def loaded(browser: Browser, out: Path, seen: dict[str, list[str]]) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(_PATIENCE)
    page.on("console", lambda message: seen["complaints"].append(message.text))
    page.on("pageerror", lambda error: seen["complaints"].append(str(error)))
    page.on("request", lambda request: seen["requests"].append(request.url))
    page.goto((out / "report.html").as_uri())
    return page


@pytest.fixture
def page(loaded: Page) -> Page:
    """The page with nothing filtered."""
    loaded.locator("#search").fill("")
    loaded.locator("#state").select_option("")
    loaded.locator("#reason").select_option("")
    loaded.locator("#every").click()
    shown(loaded, QUESTIONS)
    return loaded


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def shown(page: Page, number: int) -> Locator:
    """The questions on the page, when there are as many as expected."""
    page.wait_for_function(
        "number => document.querySelectorAll('.question').length === number", arg=number
    )
    assert str(page.locator("#count").text_content()).startswith(f"{number} of {QUESTIONS}")
    return page.locator(".question")


def test_every_section_is_there(out: Path) -> None:
    text = (out / "report.html").read_text("utf-8")
    for section in ("steps", "funnel", "rows", "leakage", "plan", "evaluation", "strategies"):
        assert f'<h2 id="{section}">' in text
    assert "Content-Security-Policy" in text
    assert not list(out.glob(".*.part"))
    assert len(text) < 300_000


def test_the_same_run_gives_the_same_page(out: Path) -> None:
    before = (out / "report.html").read_bytes()
    assert report(out).exit_code == 0
    assert (out / "report.html").read_bytes() == before


def test_search(page: Page) -> None:
    page.locator("#search").fill("HÁFEN winter")  # neither case nor accents matter
    assert "Wer malte den Hafen" in str(shown(page, 1).text_content())
    page.locator("#search").fill("الميناء")
    assert "من رسم" in str(shown(page, 1).text_content())


def test_languages(page: Page) -> None:
    page.locator("#none").click()
    page.wait_for_function("() => !document.querySelector('.question')")
    assert page.locator("#count").text_content() == "Choose a language."
    page.get_by_label("German").check()
    heads = shown(page, QUESTIONS).locator(".row h4").all_text_contents()
    assert len(heads) == QUESTIONS
    assert all(head.startswith("German") for head in heads)


def test_reasons_and_states(page: Page) -> None:
    page.locator("#reason").select_option("question copied")
    # the hostile texts are the same in all languages
    only = shown(page, 3).filter(has_text=COPIED)
    assert only.locator(".row.rejected h4").all_text_contents() == ["Germanrejected"]
    assert "copied from the source" in str(only.locator(".why").text_content())
    page.locator("#reason").select_option("answer copied")
    assert shown(page, 3).filter(has_text=NAMED).count() == 1
    page.locator("#reason").select_option("")
    page.locator("#state").select_option("leaked")
    assert LEAKED in shown(page, 2).all_text_contents()[0]
    page.locator("#state").select_option("kept")
    shown(page, 4)
    # the table of reasons leads to the rows
    page.locator("button[data-reason='question copied']").click()
    shown(page, 3)
    assert page.locator("#reason").input_value() == "question copied"


def test_right_to_left_is_shown_so(page: Page) -> None:
    first = page.locator(".question").first
    sides = {
        str(cell.get_attribute("lang")): cell.evaluate("one => getComputedStyle(one).direction")
        for cell in first.locator(".ask").all()
    }
    assert sides == {"en-Latn": "ltr", "de-Latn": "ltr", "ar-Arab": "rtl", "zh-Hans": "ltr"}


def test_hostile_texts_do_no_harm(page: Page, seen: dict[str, list[str]]) -> None:
    page.locator("#passages").check()
    assert page.evaluate("window.harmed === undefined")
    assert page.locator("main img, main b, main i, main u, .question script").count() == 0
    text = str(page.locator("#list").text_content())
    assert "</script><script>window.harmed = 1</script>" in text
    assert "<img src=x onerror=" in text
    assert '"><i>q3' in text
    assert OVERRIDE in text
    assert WORD not in text
    assert WORD[:400] in text
    assert seen["complaints"] == []
    assert len(seen["requests"]) == 1
    page.locator("#passages").uncheck()


def test_what_leaks_is_marked(page: Page) -> None:
    marks = page.locator(".hit").filter(has_text="lighthouse").locator("mark")
    assert marks.all_text_contents() == [LEAKED.removesuffix("?")] * 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_has_no_sideways_scrolling(
    browser: Browser, out: Path, scheme: Any
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.set_default_timeout(_PATIENCE)
    page.goto((out / "report.html").as_uri())
    page.locator("#passages").check()
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    page.close()


def test_fewer_rows(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    assert report(copy, "--rows", 3).exit_code == 0
    text = (copy / "report.html").read_text("utf-8")
    assert f"3 of {QUESTIONS} questions" in text
    assert report(copy, "--rows", 0).exit_code == 0
    assert 'id="rows"' not in (copy / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("stage", "there", "missing"),
    [
        ("filtered", {"rows", "funnel"}, {"leakage", "plan", "evaluation"}),
        ("corpus", {"rows"}, {"leakage", "plan"}),
        ("checked", {"rows", "leakage", "funnel"}, {"plan", "strategies"}),
        ("batches", {"plan", "funnel"}, {"rows", "evaluation"}),
        ("evaluated", {"evaluation"}, {"rows", "funnel"}),
        ("trained", {"strategies"}, {"rows", "plan"}),
    ],
)
def test_a_single_stage(
    stage: str, there: set[str], missing: set[str], out: Path, tmp_path: Path
) -> None:
    folder = tmp_path / stage
    shutil.copytree(out / stage, folder)
    done = report(folder)
    assert done.exit_code == 0, done.output
    text = (folder / "report.html").read_text("utf-8")
    found = {name for name in there | missing if f'<h2 id="{name}">' in text}
    assert found == there


def test_an_unfinished_stage_is_said(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    (copy / "checked" / "manifest.json").unlink()
    (copy / "evaluated" / "results.json").unlink()
    done = report(copy)
    assert done.exit_code == 0, done.output
    text = (copy / "report.html").read_text("utf-8")
    assert "Check for leakage (checked): it was started and not finished" in text
    assert "Evaluate (evaluated): a file that its manifest names is missing" in text
    assert '<h2 id="rows">' in text


def test_bad_input(out: Path, tmp_path: Path) -> None:
    empty, foreign, half, broken = (tmp_path / name for name in "abcd")
    for folder in (empty, foreign / "inner"):
        folder.mkdir(parents=True)
    (foreign / "inner" / "settings.json").write_text('{"made_by": "another"}')
    (foreign / "thesis.docx").write_text("")
    shutil.copytree(out / "filtered", half)
    (half / "manifest.json").unlink()
    shutil.copytree(out / "filtered", broken)
    (broken / "decisions.parquet").write_bytes(b"PAR1")
    for folder, message in (
        (empty, "expected a folder that qa-parallel made"),
        (foreign, "expected a folder that qa-parallel made"),
        (half, "it was started and not finished"),
        (broken, "cannot read"),
        (tmp_path / "none", "expected a folder, found none"),
    ):
        done = report(folder)
        assert done.exit_code == 2, done.output
        assert done.output.startswith("Error: ")
        assert message in done.output
        assert done.output.count("\n") == 1
        assert not (folder / "report.html").exists()
    assert report(out, "--rows", -1).exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(out / "evaluated", copy)
    copy.chmod(0o500)
    done = report(copy)
    assert done.exit_code == 2
    assert "cannot write" in done.output


def test_times_are_told(out: Path) -> None:
    seconds = store.read_json(out / "filtered" / "manifest.json")["seconds"]
    assert seconds > 0
    assert f"{seconds:.1f} s" in (out / "report.html").read_text("utf-8")
