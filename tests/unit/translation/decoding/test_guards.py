"""What is flagged in a hypothesis, and what must not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.translation.decoding import guards


@pytest.mark.parametrize(
    ("text", "looped"),
    [
        ("the man of the man of the man of", True),
        ("a b a b a b a b a b", True),
        ("very very very good", False),
        ("no no no no no", True),
        ("ha ha ha", False),
        ("he said that he said that she left", False),
        ("In a small hotel in a small hotel", True),
        ("in a hotel in a small hotel", False),
        (". . . . . .", False),
        (". . . . . . . . . .", True),
        ("1 2 3 4 5 6 7 8 9", False),
    ],
)
def test_loops(text: str, looped: bool) -> None:
    assert guards.loops(text.split()) is looped


@given(
    st.lists(st.sampled_from("abcdefg"), max_size=12),
    st.lists(st.sampled_from("abcdefg"), min_size=3, max_size=6),
    st.lists(st.sampled_from("abcdefg"), max_size=12),
)
def test_any_stretch_three_times_over_is_found(
    before: list[str], stretch: list[str], after: list[str]
) -> None:
    assert guards.loops(before + stretch * 3 + after)


@given(
    st.lists(st.sampled_from("abcdefg"), max_size=12),
    st.lists(st.sampled_from("abcdefg"), min_size=4, max_size=6),
    st.lists(st.sampled_from("abcdefg"), max_size=12),
)
def test_a_long_stretch_twice_over_is_found(
    before: list[str], stretch: list[str], after: list[str]
) -> None:
    assert guards.loops(before + stretch * 2 + after)


def test_faults_of_each_kind() -> None:
    source = "the cat sat on the mat"
    tokens = source.split()
    assert guards.faults(source, "le chat", tokens, ["le", "chat"], True) == ()
    assert guards.faults(source, "le chat", tokens, ["le", "chat"], False) == ("truncated",)
    assert guards.faults(source, " ", tokens, [], True) == ("empty",)
    assert guards.faults(source, "The cat sat on the mat!", tokens, ["x"], True) == ("copy",)
    assert guards.faults(source, "le <unk>", tokens, ["le", "<unk>"], True) == ("unk",)
    loop = ["na"] * 6
    assert guards.faults(source, "na na na na na na", tokens, loop, False) == ("truncated", "loop")


def test_a_loop_of_the_source_is_no_fault() -> None:
    loop = ["na"] * 6
    assert guards.faults("na na na na na na", "na na", loop, loop, True) == ()


@pytest.mark.parametrize("name", ["Tom", "New York City Ballet Company", "3.5 kg of C6H12O6"])
def test_names_may_be_equal_in_both_languages(name: str) -> None:
    assert not guards.is_copy(name, name)


def test_a_short_phrase_may_be_equal_in_both_languages() -> None:
    assert not guards.is_copy("over the river", "over the river")
    assert guards.is_copy("over the old river", "Over the old river.")
