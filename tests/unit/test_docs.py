"""The pages that people read: links lead somewhere, README is short, the manual fits a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from qa_parallel.cli import main

ROOT = Path(__file__).parents[2]
MANUAL = sorted((ROOT / "qa_parallel").glob("*/README.md"))
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(
            page
            for folder in ("data_cards", "qa_parallel", "recipes", "tests")
            for page in (ROOT / folder).rglob("*.md")
        ),
    ]
)
# README's lines and a page's columns, at most.
LINES, COLUMNS = 260, 100
# Options of other programs that the manual names.
FOREIGN = {"--head", "--address"}

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|^    .*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(text: str) -> Iterator[str]:
    """Targets of links, those in code left out."""
    return (found[1] for found in _LINK.finditer(_CODE.sub("", text)))


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = page.parent / path if path else page
        assert place.exists(), f"{target} leads nowhere"
        assert place.resolve().is_relative_to(ROOT), f"{target} leaves the repository"
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), f"no heading for {target}"


def test_links_are_found() -> None:
    text = "See [a page\nthere](a/b.md#c), ![x](y.svg).\n\n    [not](code.md)\n`[nor](this.md)`\n"
    assert list(links(text)) == ["a/b.md#c", "y.svg"]
    assert anchors("# `run`\n## What comes out?\n") == {"run", "what-comes-out"}


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("page", MANUAL, ids=name)
def test_the_manual_fits_a_terminal(page: Path) -> None:
    wide = [line for line in page.read_text(encoding="utf-8").splitlines() if len(line) > COLUMNS]
    assert not wide


def commands(group: click.Group) -> Iterator[click.Command]:
    """All commands, those below others too: `cache prune`."""
    context = click.Context(group)
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        if command is not None:
            yield command
        if isinstance(command, click.Group):
            yield from commands(command)


@pytest.mark.parametrize("page", MANUAL, ids=name)
def test_the_manual_names_options_that_exist(page: Path) -> None:
    known = {
        option
        for command in commands(main)
        for param in command.params
        if isinstance(param, click.Option)
        for option in (*param.opts, *param.secondary_opts)
    } | {"--help"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text(encoding="utf-8")))
    assert not named - known - FOREIGN


def test_every_stage_has_its_page() -> None:
    packages = {page.parent.name for page in MANUAL}
    assert packages >= {
        *("sources", "translation", "filters", "leakage", "batches", "evaluation", "training"),
        *("publishing", "page", "pipeline"),
    }
