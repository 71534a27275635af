"""What two texts have in common is marked in both."""

from __future__ import annotations

from qa_parallel.page.overlap import Part, mark


def shared(parts: list[Part]) -> list[str]:
    return [part.text for part in parts if part.shared]


def test_marks_stand_on_both_sides() -> None:
    one = "As we know, the stone mill above the village burned down; who knew?"
    other = "THE STONE MILL, above the village, stood. We know."
    ours, theirs = mark(one, other, ("eng_Latn", "eng_Latn"), 200)
    assert shared(ours) == ["the stone mill above the village"]
    assert shared(theirs) == ["THE STONE MILL, above the village"]
    assert "".join(part.text for part in ours) == one


def test_marks_in_scripts_without_spaces() -> None:
    ours, theirs = mark("谁藏了黄铜钥匙?", "黄铜钥匙在哪里?", ("zho_Hans", "zho_Hans"), 99)
    assert shared(ours) == shared(theirs) == ["黄铜钥匙"]


def test_a_long_text_is_cut_around_the_first_mark() -> None:
    long = f"{'a b ' * 150}the stone mill burned {'c d ' * 150}"
    ours, _ = mark(long, "The stone mill burned.", ("eng_Latn", "eng_Latn"), 100)
    assert shared(ours) == ["the stone mill burned"]
    assert (ours[0].text, ours[-1].text) == ("… ", " …")
    assert len("".join(part.text for part in ours)) < 110
    word, _ = mark("x" * 10_000, "y", ("eng_Latn", "eng_Latn"), 100)
    assert len("".join(part.text for part in word)) < 110
