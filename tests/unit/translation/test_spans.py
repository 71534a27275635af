"""Placing a translated answer."""

from __future__ import annotations

import pytest

from qa_parallel.translation import spans


@pytest.mark.parametrize(
    ("answer", "passage", "language", "expected"),
    [
        ("Haus", "Das Haus ist alt.", "deu_Latn", (4, "exact")),
        ("haus", "Das Haus ist alt.", "deu_Latn", (4, "exact")),
        # a word's beginning counts, its inside does not
        ("Ankara", "Tom Ankara'da yaşıyor.", "tur_Latn", (4, "exact")),
        ("hen", "She saw the hens, the hen.", "eng_Latn", (22, "exact")),
        ("Haus", "Am Hause.", "deu_Latn", (3, "exact")),
        ("he", "She saw the hen.", "eng_Latn", None),
        # whole words before words with an ending
        ("Hund", "Die Hunde und der Hund.", "deu_Latn", (18, "exact")),
        # a number is not a part of another one
        ("5", "Es gab 50 Leute und 5 Hunde.", "deu_Latn", (20, "exact")),
        ("19", "1945 waren es 19.", "deu_Latn", (14, "exact")),
        ("5", "他有15个和5个。", "zho_Hans", (6, "exact")),
        ("ताब", "यह किताब है.", "mar_Deva", None),
        ("किताब", "यह किताब है.", "mar_Deva", (3, "exact")),
        # no spaces between words: anywhere
        ("东京", "我住在东京。", "zho_Hans", (3, "exact")),
        ("the old house", "It was in an old house there.", "eng_Latn", None),
        ("in dem alten Haus", "Er wohnt in einem alten Haus.", "deu_Latn", (12, "fuzzy")),
        ("", "Text.", "deu_Latn", None),
        (" ", "Ein Text.", "deu_Latn", None),
        # white space counts as white space, however much of it
        ("alte  haus", "Das alte\n\n \u3000Haus. Ja.", "deu_Latn", (4, "exact")),
        ("Ja", "Das  alte\tHaus. Ja.", "deu_Latn", (16, "exact")),
        # case in alphabets where a letter has two forms, or changes its length
        ("istanbul", "Şehir İstanbul'dur.", "tur_Latn", (6, "exact")),
        ("ΟΔΟΣ", "Η οδός ή οδος.", "ell_Grek", (9, "exact")),
        ("viel länger als der Satz ist", "Kurz.", "deu_Latn", None),
    ],
)
def test_place(answer: str, passage: str, language: str, expected: tuple[int, str] | None) -> None:
    assert spans.place(answer, passage, [(0, len(passage))], language) == expected


def test_only_the_answers_sentences_are_searched() -> None:
    passage = "Tom came. Tom left."
    assert spans.place("Tom", passage, [(10, 19)], "eng_Latn") == (10, "exact")
    assert spans.place("Tom", passage, [], "eng_Latn") is None
    assert spans.place("came", passage, [(10, 19)], "eng_Latn") is None
