"""Scores that come from characters, against plain Python on the same texts."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_parallel.filters import surface
from qa_parallel.filters.characters import Characters, han, script_pattern, table

TEXT = st.text(alphabet="abcdeAB12 .,äßИж的字สว", max_size=60)
TEXTS = st.lists(TEXT, min_size=1, max_size=6)


@settings(deadline=None)  # the first call makes the tables
@given(TEXTS)
def test_letters_are_those_of_unicode(texts: list[str]) -> None:
    counts = Characters.of(texts).count(r"\p{L}")
    assert counts.tolist() == [
        sum(unicodedata.category(char)[0] == "L" for char in text) for text in texts
    ]


@settings(deadline=None)
@given(TEXTS)
def test_words_are_what_a_regular_expression_finds(texts: list[str]) -> None:
    # Cyrillic, Latin and digits run on; Han and Thai letters stand alone.
    expected = [
        (number, match[0].casefold() if match[0] != "ß" else match[0])
        for number, text in enumerate(texts)
        for match in re.finditer(r"[的字สว]|[^\W_的字สว]+", text)
    ]
    characters = Characters.of(texts)
    words = characters.words
    joined = "".join(texts)
    found = [
        (int(owner), joined[start:end].lower())
        for owner, start, end in zip(words.texts, words.starts, words.ends, strict=True)
    ]
    assert [(n, w.replace("ss", "ß")) for n, w in expected] == [
        (n, w.replace("ss", "ß")) for n, w in found
    ]


@settings(deadline=None)
@given(TEXTS)
def test_equal_words_have_equal_hashes_and_others_have_not(texts: list[str]) -> None:
    characters = Characters.of(texts)
    words = characters.words
    joined = "".join(texts)
    spelled = [joined[s:e].lower() for s, e in zip(words.starts, words.ends, strict=True)]
    by_hash = dict(zip(words.hashes.tolist(), spelled, strict=True))
    assert [by_hash[h] for h in words.hashes.tolist()] == spelled
    assert len(by_hash) == len(set(spelled))


@settings(deadline=None)
@given(TEXTS)
def test_forms_are_equal_where_the_words_are(texts: list[str]) -> None:
    def plain(text: str) -> list[str]:
        return [word.lower() for word in re.findall(r"[的字สว]|[^\W_的字สว]+", text)]

    forms = Characters.of(texts).forms().tolist()
    for one, form in zip(texts, forms, strict=True):
        for other, other_form in zip(texts, forms, strict=True):
            assert (plain(one) == plain(other)) is (form == other_form)


def test_every_script_of_the_languages_has_letters() -> None:
    from qa_parallel.language_codes import LANGUAGES

    for script in {language.script for language in LANGUAGES.values()}:
        assert table(script_pattern(script)).sum() > 20, script


def test_han_is_told_apart() -> None:
    assert han("Hans")[ord("国")]
    assert not han("Hans")[ord("國")]
    assert han("Hant")[ord("國")]
    assert not han("Hant")[ord("人")]
    assert not han("Hans")[ord("人")]


@pytest.mark.parametrize(
    ("text", "looped"),
    [
        ("the man of the man of the man of", True),
        ("a b a b a b a b a b", True),
        ("very very very good", False),
        ("no no no no no", True),
        ("ha ha ha", False),
        ("he said that he said that she left", False),
        ("In a very small hotel in a very small hotel", True),
        ("in a very small hotel in a small hotel", False),
        # Short words, said again in the next clause: right in Igbo, so not yet a loop.
        ("ihe nile dị ndụ, ihe nile dị ndụ nwere mkpụrụ ndụ", False),
        ("ihe nile dị ndụ, ihe nile dị ndụ, ihe nile dị ndụ", True),
        (". . . . . . . . . .", False),
        ("1 2 3 4 5 6 7 8 9", False),
        ("waaaaaaaay too long", True),
        ("xoxoxoxoxoxoxo", True),
        ("banana", False),
        ("高高兴兴地回家了", False),
        ("我们住在小酒店我们住在小酒店我们住在小酒店", True),
        ("", False),
    ],
)
def test_loops(text: str, looped: bool) -> None:
    # Beside other texts, so that a stretch must not run on from one into the next.
    scores = surface.loops(Characters.of([text, text, "another one", text]))
    assert (scores >= 1).tolist() == [looped, looped, False, looped]


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdefg"), min_size=4, max_size=9), TEXTS)
def test_any_long_stretch_twice_over_is_found(stretch: list[str], others: list[str]) -> None:
    said = " ".join([f"{letter}-long" for letter in stretch] * 2)
    assert surface.loops(Characters.of([*others, said, *others]))[len(others)] >= 1


def test_repetition_is_the_share_of_trigrams_seen_before() -> None:
    text = "one two three four five six one two three four five seven eight nine"
    words = text.split()
    grams = list(zip(words, words[1:], words[2:], strict=False))
    share = 1 - len(set(grams)) / len(grams)
    found = surface.repetition(Characters.of(["short", text, text]))
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([share, share])


def test_a_copy_is_told_from_a_translation_with_the_same_names() -> None:
    source = "In the summer of 1990 Barack Obama went swimming with some friends from Chicago"
    copy = source.lower().replace("barack obama", "Barack Obama")
    other = "Im Sommer 1990 ging Barack Obama mit einigen Freunden aus Chicago schwimmen"
    names = "Barack Obama, Chicago, New York City, Washington"
    found = surface.copied(Characters.of([copy, other, names]), Characters.of([source] * 3))
    assert found[0] == 1
    assert found[1] < 0.3
    assert np.isnan(found[2])


def scores(target: str, source: str | None, language: str) -> dict[str, float]:
    sources = None if source is None else Characters.of([source])
    found = surface.measure(Characters.of([target]), sources, language, source and "eng_Latn")
    return {name: float(values[0]) for name, values in found.items()}


def test_script_leaves_names_of_the_source_aside() -> None:
    source = "Who founded Apple Computer?"
    assert scores("Apple Computer ಅನ್ನು ಯಾರು ಸ್ಥಾಪಿಸಿದರು?", source, "kan_Knda")["script"] == 1
    assert scores("Wer hat die Firma gegründet?", source, "kan_Knda")["script"] == 0
    assert scores("Кто основал?", None, "srp_Cyrl")["script"] == 1


def test_traditional_is_not_simplified() -> None:
    assert scores("這個國家的歷史", "the history of this country", "zho_Hant")["han"] == 1
    assert scores("这个国家的历史", "the history of this country", "zho_Hant")["han"] == 0
    assert np.isnan(scores("人口", "people", "zho_Hant")["han"])


def test_length_is_measured_against_what_the_scripts_let_expect() -> None:
    source = "What is the name of the largest river in this country?"
    whole = scores("这个国家最大的河流叫什么名字?", source, "zho_Hans")["length"]
    half = scores("这个国家最", source, "zho_Hans")["length"]
    assert abs(whole) < 0.3
    assert half < whole - 0.3


def test_a_text_that_is_lost_is_empty() -> None:
    assert scores("", "a text", "deu_Latn")["empty"] == 0
    assert scores("…?!", "a text", "deu_Latn")["empty"] == 0
    assert scores("7", "seven", "deu_Latn")["empty"] == 1
