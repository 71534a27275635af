"""Splitting, normalising and rejoining of text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacremoses import MosesPunctNormalizer

from qa_parallel.sentences import sentence_spans, sentences_of
from qa_parallel.translation import segment

ODD = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("  \n.!?;,:\"'«»“”’()%"))


@given(ODD)
def test_normalise_is_moses_whatever_the_shortcut(text: str) -> None:
    """The quick check may only skip what Moses would leave alone."""
    spaced = " ".join(text.split())
    expected = " ".join(MosesPunctNormalizer(lang="en").normalize(spaced).split())
    assert segment.normalise(text, "eng_Latn") == expected


@given(ODD)
def test_spans_cover_all_but_space(text: str) -> None:
    spans = sentence_spans(text, "eng_Latn")
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    outside = list(zip(edges[::2], edges[1::2], strict=True))
    assert not "".join(text[start:end] for start, end in outside).strip()
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    text = "Dr. Smith is 3.5 m tall. He left! “Really?” Yes."
    found = [text[start:end] for start, end in sentence_spans(text, "eng_Latn")]
    assert found[:2] == ["Dr. Smith is 3.5 m tall.", "He left!"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A heading\nThe text begins.", ["A heading", "The text begins."]),
        ("a line that was\nwrapped by an editor.", ["a line that was\nwrapped by an editor."]),
        ("first item\n\nsecond item", ["first item", "second item"]),
        ("  \n \n", []),
        ("مرحبا. كيف حالك؟ بخير.", ["مرحبا.", "كيف حالك؟", "بخير."]),
        ("你好。我是人！", ["你好。", "我是人！"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    language = "arb_Arab" if "م" in text else "zho_Hans" if "你" in text else "eng_Latn"
    assert [text[a:b] for a, b in sentence_spans(text, language)] == sentences


def test_rejoin_keeps_paragraphs_and_writes_no_space_in_chinese() -> None:
    text, spans = segment.rejoin(["一。", "二。", "三。"], [" ", " \n\n  "], "zho_Hans")
    assert text == "一。二。\n\n三。"
    assert [text[a:b] for a, b in spans] == ["一。", "二。", "三。"]


def test_thai_writes_a_space_between_sentences_though_none_between_words() -> None:
    assert segment.rejoin(["ก", "ข"], ["  "], "tha_Thai")[0] == "ก ข"


def test_rejoin_of_an_empty_translation_leaves_no_double_space() -> None:
    text, spans = segment.rejoin(["", "Zwei.", "Drei."], [" ", " "], "deu_Latn")
    assert text == "Zwei. Drei."
    assert spans[0] == (0, 0)
    text, spans = segment.rejoin(["A.", "", "B."], [" ", "\n\n"], "deu_Latn")
    assert text == "A.\n\nB."
    assert spans == [(0, 2), (2, 2), (4, 6)]
    assert segment.rejoin([], [], "deu_Latn") == ("", [])


def test_a_long_run_of_spaces_is_no_trap() -> None:
    """Quadratic once: half a minute for this text; now there is nothing to try again."""
    assert sentence_spans("a" + " " * 100_000 + "b", "eng_Latn") == [(0, 100_002)]


def _words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@given(st.lists(st.sampled_from(["a", "bb,", "c;", "d", "e,"]), min_size=1, max_size=60))
def test_pieces_lose_nothing_and_keep_the_limit(words: list[str]) -> None:
    (cut,) = segment.pieces([" ".join(words)], _words, 7)
    assert " ".join(cut).split() == words
    assert max(_words(cut)) <= 7


def test_pieces_cut_at_semicolons_before_commas() -> None:
    assert segment.pieces(["a, b; c, d"], _words, 2) == [["a, b;", "c, d"]]


def test_a_word_without_end_is_cut_by_characters() -> None:
    (cut,) = segment.pieces(["x" * 100], lambda texts: [len(text) for text in texts], 30)
    assert [len(piece) for piece in cut] == [25, 25, 25, 25]


def test_sentences_of_an_answer_across_a_boundary() -> None:
    assert sentences_of(8, 13, [(0, 10), (11, 24)]) == [0, 1]
    assert sentences_of(11, 13, [(0, 10), (11, 24)]) == [1]


def test_pieces_come_to_an_end_where_token_counts_do_not_add_up() -> None:
    def count(texts: Sequence[str]) -> list[int]:
        return [len(text) + 5 * (" " in text) for text in texts]

    assert segment.pieces(["aaa bbb"], count, 8) == [["aaa", "bbb"]]
