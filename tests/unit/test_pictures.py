"""Pictures: colours and places are right, words are whole and safe, figures can be read."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import pytest

import qa_parallel
from qa_parallel.batches.pictures import language_map
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.pictures import Picture, heat_maps, line_charts, style
from qa_parallel.pictures.lines import SERIES
from qa_parallel.pictures.paper import WIDTH, extent
from qa_parallel.pictures.tables import OVER, STEPS
from qa_parallel.training.pictures import training_curves

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</text><script>alert("1")</script>&amp; \x1b[31m\ud800\x00 -->]]>'
CODES = sorted(LANGUAGES)


def parse(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture.file())


def said(root: ElementTree.Element, kind: str = "") -> list[str]:
    """Words that are drawn, without the hints, of those whose class is or has `kind`."""
    return [
        ((hint[0].tail if len(hint := list(one)) else one.text) or "")
        for one in root.iter(f"{SVG}text")
        if not kind or kind in one.attrib["class"].split()
    ]


class Cell(NamedTuple):
    kind: str
    x: float
    y: float
    width: float
    height: float


def cells(root: ElementTree.Element) -> list[Cell]:
    """Cells of heat maps, without the paper and without the legend at the end."""
    found = [
        Cell(one.attrib["class"], *(float(one.attrib[name]) for name in Cell._fields[1:]))
        for one in root.iter(f"{SVG}rect")
        if one.attrib["class"] != "paper"
    ]  # fmt: skip
    legend = found[-STEPS - 1 :]
    assert [one.kind for one in legend] == [f"h{step}" for step in range(STEPS + 1)]
    return found[: -STEPS - 1]


def square(size: int, panels: int = 1) -> Picture:
    values = [[(row * column % 100) / 100 for column in range(size)] for row in range(size)]
    names = [f"system {n}" for n in range(panels)] if panels > 1 else [""]
    return heat_maps(
        dict.fromkeys(names, values), CODES[:size], CODES[:size], title="set: mAP",
        row_label="query", column_label="candidate",
    )  # fmt: skip


# Heat maps


def test_colours_places_and_figures_worked_out_by_hand() -> None:
    root = parse(heat_maps({"": [[2.0, 3.4, None], [4.0, 2.56, 3.26]]}, ["a", "b"], ["x", "y", "z"],
                           title="t", number=".2f"))  # fmt: skip
    found = cells(root)
    # tenths of the way from 2 to 4: 0, 7; 10, 2.8, 6.3
    assert [cell.kind for cell in found] == ["h0", "h7", "h10", "h3", "h6"]
    (first, second, third, fourth, fifth) = found
    assert first.x == third.x < second.x == fourth.x < fifth.x
    assert first.y == second.y < third.y == fourth.y == fifth.y
    assert second.x - first.x == fifth.x - fourth.x == first.width + 2
    assert third.y - first.y == first.height + 2
    figures = {
        text: (float(one.attrib["x"]), float(one.attrib["y"]), one.attrib["class"])
        for one, text in zip(root.iter(f"{SVG}text"), said(root), strict=True)
        if "soft" not in one.attrib["class"]
    }
    for text, cell in zip(("2.00", "3.40", "4.00", "2.56", "3.26"), found, strict=True):
        x, y, kind = figures[text]
        assert x == cell.x + cell.width / 2
        assert cell.y + 8 < y < cell.y + cell.height
        assert ("over" in kind.split()) == (cell.kind in ("h7", "h10"))
    assert said(root, "soft") == ["–", "2.00", "3.00", "4.00", "– not measured"]


def test_a_shade_means_the_same_number_in_all_tables() -> None:
    root = parse(
        heat_maps({"start": [[0.0, 0.4]], "hybrid": [[0.0, 0.8]]}, ["a"], ["x", "y"], title="t")
    )
    assert [cell.kind for cell in cells(root)] == ["h0", "h5", "h0", "h10"]
    assert said(root, "name") == ["start", "hybrid"]
    wide = parse(
        heat_maps({"": [[1.0, 5.0, -3.0]]}, ["a"], ["x", "y", "z"], title="t", limits=(0, 2))
    )
    assert [cell.kind for cell in cells(wide)] == ["h5", "h10", "h0"]


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([[None, float("nan")]], []),
        ([[1.0, 1.0]], ["h10", "h10"]),
        ([[-2.0, float("inf")]], ["h0"]),
        ([[0.0, 0.0]], ["h0", "h0"]),
    ],
)
def test_nothing_to_tell_apart(values: list[list[float | None]], kinds: list[str]) -> None:
    root = parse(heat_maps({"": values}, ["a"], ["x", "y"], title="t"))
    assert [cell.kind for cell in cells(root)] == kinds
    assert not {"nan", "inf"} & set(said(root))


def test_numbers_are_written_short() -> None:
    root = parse(
        heat_maps({"": [[0.25, 1.0, -0.5]]}, ["a"], ["x", "y", "z"], title="t", number=".2f")
    )
    assert said(root, "figure")[:3] == [".25", "1.00", "-.50"]
    root = parse(heat_maps({"": [[0, 12_345]]}, ["a"], ["x", "y"], title="t", number=",.0f"))
    assert said(root, "figure") == ["0", "12,345", "0", "6,172", "12,345"]
    root = parse(heat_maps({"": [[0, 3]]}, ["a"], ["x", "y"], title="t", number=",.0f"))
    assert said(root, "soft") == ["0", "3"]  # the middle would be 1.5


def test_rows_of_a_plan_that_languages_do_not_share_are_none() -> None:
    report = {
        "build-batches": {"strategy": "monolingual"},
        "train": {
            "languages": {"eng_Latn": {}, "deu_Latn": {}},
            "matrix": {"eng_Latn": {"eng_Latn": 40}, "deu_Latn": {"deu_Latn": 20}},
        },
    }
    root = parse(language_map(report))
    assert [cell.kind for cell in cells(root)] == ["h10", "h0", "h0", "h5"]
    assert said(root, "middle")[-5:-1] == ["40", "0", "0", "20"]


# Room


@pytest.mark.parametrize(("size", "panels"), [(2, 1), (5, 2), (11, 4), (12, 1), (26, 1), (60, 2)])
def test_nothing_is_cut_and_nothing_lies_over_another(size: int, panels: int) -> None:
    root = parse(square(size, panels))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    found = cells(root)
    assert len(found) == size * size * panels
    for cell in found:
        assert 0 < cell.x < cell.x + cell.width < width
        assert 0 < cell.y < cell.y + cell.height < height
    assert len({(cell.x, cell.y) for cell in found}) == len(found)
    figures = [one for one in said(root, "middle") if re.fullmatch(r"\d*\.\d{3}", one)]
    if size <= 26:
        assert len(figures) == len(found) + 1  # and the middle of the legend
        assert max(extent(one, "figure") for one in figures) <= found[0].width + 2
    else:
        assert len(figures) == 1
        assert min(cell.height for cell in found) >= 11  # names of 10 px do not touch
    for code in CODES[:size]:
        assert said(root, "label").count(code) == 2 * panels
    for one in root.iter(f"{SVG}text"):
        (words,) = said(one)
        long = extent(words, "small" if "small" in one.attrib["class"] else "figure")
        x, y = float(one.attrib["x"]), float(one.attrib["y"])
        turned = one.attrib.get("transform", "")
        if "rotate(-" in turned:
            up = long if "-90" in turned else long * math.sqrt(0.5)
            assert 0 < y - up < y < height
            assert x + (0 if "-90" in turned else up) < width
        else:
            before = next((share for kind, share in (("end", 1), ("middle", 0.5))
                           if kind in one.attrib["class"].split()), 0)  # fmt: skip
            assert 0 < x - long * before < x + long * (1 - before) < width
            assert 0 < y < height
    assert width <= WIDTH + 60 or panels == 1


def test_tables_stand_side_by_side_while_they_have_figures() -> None:
    def rows(size: int, panels: int) -> int:
        names = [
            one.attrib["y"]
            for one in parse(square(size, panels)).iter(f"{SVG}text")
            if one.attrib["class"] == "name"
        ]
        return len(set(names))

    assert [rows(5, 2), rows(11, 4), rows(5, 3), rows(20, 2)] == [1, 2, 1, 2]


def test_small_cells_and_codes_say_more_to_a_pointer() -> None:
    root = parse(square(60))
    hints = [one[0].text for one in root.iter(f"{SVG}rect") if len(one)]
    assert len(hints) == 3600
    assert hints[62] == f"{CODES[1]}, {CODES[2]}: .020"
    names = [one[0].text for one in root.iter(f"{SVG}text") if len(one)]
    assert names == 2 * [LANGUAGES[code].name for code in CODES[:60]]
    assert not any(len(one) for one in parse(square(12)).iter(f"{SVG}rect"))
    assert len(square(len(CODES)).file()) < 3_000_000


def test_long_names_are_cut_and_long_titles_go_on() -> None:
    name = "a name " * 20
    root = parse(heat_maps({name: [[1.0]], "b": [[2.0]]}, [name], [name], title="a title " * 20))
    assert all(len(one) <= 28 for one in said(root, "label"))
    assert max(map(len, said(root))) < 50
    assert " ".join(said(root, "title")) == ("a title " * 20).strip()
    hints = [one[0].text for one in root.iter(f"{SVG}text") if len(one)]
    assert hints == [name] * 5


# Words


def test_hostile_words_stay_words() -> None:
    picture = heat_maps(
        {HOSTILE: [[1.0]], "b": [[0.0]]}, [HOSTILE], [HOSTILE], title=HOSTILE, row_label=HOSTILE,
        column_label=HOSTILE,
    )  # fmt: skip
    chart = line_charts({HOSTILE: {HOSTILE: [(0, 1)]}}, title=HOSTILE, x_label=HOSTILE)
    for drawn in (picture, chart):
        for data in (drawn.file(), str(drawn.inline())):
            root = ElementTree.fromstring(data)
            parts = {one.tag.removeprefix(SVG) for one in root.iter()}
            assert parts <= {"svg", "title", "desc", "style", "rect", "polyline", "text"}
            names = {name for one in root.iter() for name in one.attrib}
            assert not any(name.startswith("on") or "href" in name for name in names)
            assert str(root.findtext(f"{SVG}title")).startswith("</text><script>")
            assert "\x1b" not in str(root.findtext(f"{SVG}title"))


def test_it_is_told_to_those_who_do_not_see_it() -> None:
    picture = heat_maps(
        {"start": [[0.2, 0.9]]}, ["deu_Latn"], ["eng_Latn", "deu_Latn"], title="set: mAP",
        row_label="query", column_label="passage",
    )  # fmt: skip
    root = parse(picture)
    assert root.attrib["role"] == "img"
    assert [one.tag.removeprefix(SVG) for one in root][:2] == ["title", "desc"]
    assert root.findtext(f"{SVG}title") == "set: mAP"
    assert root.findtext(f"{SVG}desc") == (
        "Heat map of 1 × 2 cells, query by passage. Lowest: .200 (start, deu_Latn, eng_Latn). "
        "Highest: .900 (start, deu_Latn, deu_Latn)."
    )


def test_same_numbers_same_bytes() -> None:
    assert square(5).file() == square(5).file()
    assert square(5).file() != square(6).file()
    assert b"<script" not in square(5).file()


def test_a_page_gives_the_style_once() -> None:
    assert "<style" not in square(5).inline()
    assert 'class="paper"' not in square(5).inline()
    assert style() in square(5).file().decode()
    selectors = re.findall(r"^([^@}\n]+)\{", style(), re.MULTILINE)
    assert len(selectors) > 50
    assert all(one.startswith(".picture ") for one in selectors)


# Lines


def points(root: ElementTree.Element) -> list[tuple[str, list[tuple[float, float]]]]:
    return [
        (one.attrib["class"], [(float(x), float(y)) for x, y in
                               (pair.split(",") for pair in one.attrib["points"].split())])
        for one in root.iter(f"{SVG}polyline")
    ]  # fmt: skip


def test_lines_stand_where_their_numbers_are() -> None:
    root = parse(
        line_charts({"loss": {"a": [(0, 1), (50, 3), (100, 2)]}}, title="t", x_label="step")
    )
    drawn = points(root)
    grid = [line for kind, line in drawn if kind == "grid"]
    (line,) = (line for kind, line in drawn if kind == "s0" and len(line) == 3)
    # ticks from 1 to 3 at every half, from the bottom up; x from the left to the right end
    assert said(root, "end")[:5] == ["1", "1.5", "2", "2.5", "3"]
    (left, bottom), (right, _) = grid[0]
    top = grid[-1][0][1]
    assert top < bottom
    middle = (left + right) / 2
    assert line == [
        (left, bottom),
        (pytest.approx(middle, abs=0.1), top),
        (right, pytest.approx((bottom + top) / 2, abs=0.1)),
    ]
    assert "step" in said(root)


def test_a_line_looks_the_same_everywhere_and_like_no_other() -> None:
    names = [f"run-{n}" for n in range(9)]
    series = {name: [(0.0, n), (1.0, n + 1.0)] for n, name in enumerate(names)}
    root = parse(line_charts({"loss": series, "mAP": {"run-7": [(0, 1), (1, 2)]}}, title="t"))
    kinds = [kind for kind, _ in points(root) if kind != "grid"]
    assert kinds[:9] == kinds[10:]
    assert len(set(kinds)) == 9
    assert kinds[9] == kinds[7] == "s1 dashed"
    assert said(root, "label") == names


def test_lines_of_nothing() -> None:
    some: list[list[tuple[float, float]]] = [[], [(1.0, float("nan"))], [(1.0, 2.0)]]
    for series in ({}, *({"a": line} for line in some)):
        assert "nan" not in parse(line_charts({"loss": series}, title="t")).attrib["width"]


def test_long_trainings_are_averaged() -> None:
    run = {"losses": [float(n % 2) for n in range(600)], "validations": [[0, 0.25], [600, 0.5]],
           "train": {"measure": "map"}}  # fmt: skip
    picture = training_curves({"hybrid-0": run})
    root = parse(picture)
    assert said(root, "name") == ["loss, means of 10 steps", "validation, mAP"]
    lines = [line for kind, line in points(root) if kind == "s0"]
    assert [len(line) for line in lines] == [60, 2, 2]
    assert len({y for _, y in lines[0]}) == 1
    assert picture.summary.endswith("; hybrid-0, validation, mAP from 0.25 to 0.5.")
    root = parse(training_curves({"a": {**run, "losses": [2.0, 1.0], "validations": []}}))
    assert said(root, "name") == ["loss"]


# Colours


def colours(css: str) -> dict[str, str]:
    """Colour by what has it: "h3", "s0", "text", "text.soft"."""
    rules = re.findall(r"^\.picture \.?([\w.]+) \{ (?:fill|stroke): (#\w{6});", css, re.MULTILINE)
    return dict(rules)


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_as_wcag_has_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_can_be_read(dark: bool) -> None:
    light, _, rest = style().partition("@media (prefers-color-scheme: dark)")
    known = colours(light) | (colours(rest) if dark else {})
    if dark:
        missing = {name for name in colours(light) if name not in colours(rest)}
        assert not missing
    for step in range(STEPS + 1):
        ink = known["text.over" if step >= OVER else "text"]
        assert contrast(ink, known[f"h{step}"]) >= 4.5, f"h{step}"
    shades = [luminance(known[f"h{step}"]) for step in range(STEPS + 1)]
    assert shades == sorted(shades, reverse=not dark)
    page = (Path(qa_parallel.__file__).parent / "page/report.css").read_text()
    papers = re.findall(r"--paper: (#\w{6})", page)
    for paper in (known["paper"], papers[dark]):
        assert contrast(known["text"], paper) >= 7
        assert contrast(known["text.soft"], paper) >= 4.5
        for place in range(SERIES):
            assert contrast(known[f"s{place}"], paper) >= 4.5
