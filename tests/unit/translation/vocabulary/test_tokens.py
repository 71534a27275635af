"""Lists of target tokens: what must be in them, and which sources they reach."""

from __future__ import annotations

from collections import Counter

from qa_parallel.translation.vocabulary.tokens import Sources, Vocabulary, build, names

MODEL = [
    *("<unk>", "</s>", "fra_Latn", "▁chat", "▁tapis", "▁Ken", "s", "ington", "▁road", "▁19"),
    *("▁", "▁a", "z", "é", "Ж", "▁Ж", "猫", "१", ".", "▁—", "😀", "<0xE2>", "ा", "▁猫猫"),
]
FRENCH = Counter({"▁chat": 5, "é": 1})
SOURCE = Sources.of([["▁Ken", "s", "ington", "▁road", "▁19"]])


def test_a_list_holds_the_words_what_can_be_spelled_and_the_names() -> None:
    listed = build(MODEL, FRENCH, SOURCE, ["fra_Latn", "</s>"])
    assert listed.copies
    assert listed.tokens == (
        *("</s>", "fra_Latn", "▁chat", "▁Ken", "s", "ington", "▁19"),
        *("▁", "▁a", "z", "é", "१", ".", "▁—", "😀", "<0xE2>"),
    )


def test_a_language_in_another_script_spells_names_in_its_own() -> None:
    chinese = Counter({"猫": 99, "▁a": 1})
    listed = build(MODEL, chinese, SOURCE)
    assert not listed.copies
    assert {"猫", "▁a", "z"} <= set(listed.tokens)
    assert not {"▁Ken", "ington", "▁猫猫", "Ж"} & set(listed.tokens)


def test_a_token_that_the_file_cannot_hold_is_left_out() -> None:
    assert build(
        ["a b", "a\tb", "ab"], Counter({"a b": 1, "a\tb": 1, "ab": 1}), Sources.of([])
    ).tokens == ("ab",)


def test_a_source_is_reached_if_its_names_can_be_copied() -> None:
    listed = Vocabulary(("▁Ken", "s"), copies=True)
    assert listed.reaches(["▁the", "▁road"])
    assert listed.reaches(["▁the", "▁Ken", "s"])
    assert not listed.reaches(["▁the", "▁Ken", "s", "ington", "▁road"])
    assert Vocabulary((), copies=False).reaches(["▁Ken"])


def test_names_are_words_with_a_capital_or_a_digit() -> None:
    assert list(names(["▁i", "P", "hone", "▁is", "▁B", "2", "b", "▁so"])) == [
        *("▁i", "P", "hone", "▁B", "2", "b")
    ]
    assert list(names(["x", "Y"])) == ["x", "Y"]
    assert list(names([])) == []


def test_digests_tell_lists_apart() -> None:
    lists = [Vocabulary(("a",), True), Vocabulary(("a",), False), Vocabulary(("b",), True)]
    assert len({one.digest for one in lists}) == 3
    assert Vocabulary(("a",), True).digest == lists[0].digest
