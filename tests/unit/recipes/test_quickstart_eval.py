"""The quickstart evaluation set: parallel, exact, and with the one leak that was planted."""

import json
import re
import unicodedata
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.text import comparison_form

QUICKSTART = Path(__file__).parents[3] / "recipes" / "quickstart"
EVAL = QUICKSTART / "eval"
LANGUAGES = ("eng_Latn", "fra_Latn", "deu_Latn", "spa_Latn", "mar_Deva")
PLANTED = "planted-leak"
LETTERS = "A-Za-zÀ-ÖØ-öø-ÿœŒ"

Paragraphs = dict[str, dict[str, Any]]  # title -> paragraph


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, Any]]:
    text = (QUICKSTART / "questions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def evalset() -> dict[str, Paragraphs]:
    return {language: paragraphs(language) for language in LANGUAGES}


def paragraphs(language: str) -> Paragraphs:
    """Each article of the file has one paragraph and a title of its own."""
    document = json.loads((EVAL / f"{language}.json").read_text(encoding="utf-8"))
    assert set(document) == {"data", "version"}
    found: Paragraphs = {}
    for article in document["data"]:
        assert set(article) == {"paragraphs", "title"}
        assert article["title"] not in found
        (found[article["title"]],) = article["paragraphs"]
    return found


def questions(found: Paragraphs) -> list[dict[str, Any]]:
    return [question for paragraph in found.values() for question in paragraph["qas"]]


def test_the_languages_are_the_files() -> None:
    assert {path.stem for path in EVAL.glob("*.json")} == set(LANGUAGES)


def test_counts(evalset: dict[str, Paragraphs]) -> None:
    english = evalset["eng_Latn"]
    assert {len(paragraph["qas"]) for paragraph in english.values()} == {3}
    assert all(3 <= len(paragraph["sentences"]) <= 6 for paragraph in english.values())
    readme = (EVAL / "README.md").read_text(encoding="utf-8")
    assert f"{len(questions(english))} questions about {len(english)} short" in readme


@pytest.mark.parametrize("language", LANGUAGES)
def test_ids_titles_and_sentences_are_those_of_english(
    language: str, evalset: dict[str, Paragraphs]
) -> None:
    def outline(found: Paragraphs) -> list[tuple[str, int, list[str]]]:
        return [
            (title, len(paragraph["sentences"]), [question["id"] for question in paragraph["qas"]])
            for title, paragraph in found.items()
        ]

    assert outline(evalset[language]) == outline(evalset["eng_Latn"])
    ids = [question["id"] for question in questions(evalset[language])]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_whole_words_found_once_in_one_sentence(
    language: str, evalset: dict[str, Paragraphs]
) -> None:
    # \w has no Devanagari vowel signs: without them a stem would pass for a word.
    letter = r"[\w\u0900-\u0963]"
    for paragraph in evalset[language].values():
        context = paragraph["context"]
        for question in paragraph["qas"]:
            (answer,) = question["answers"]
            start, text = answer["answer_start"], answer["text"]
            assert context[start : start + len(text)] == text, question["id"]
            pattern = rf"(?<!{letter}){re.escape(text)}(?!{letter})"
            assert [match.start() for match in re.finditer(pattern, context)] == [start]
            assert sum(text in sentence for sentence in paragraph["sentences"]) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_breaks_cover_the_contexts(language: str, evalset: dict[str, Paragraphs]) -> None:
    for paragraph in evalset[language].values():
        context, breaks = paragraph["context"], paragraph["sentence_breaks"]
        assert [context[start:end] for start, end in breaks] == paragraph["sentences"]
        # One space between two sentences and nothing beyond them.
        assert " ".join(paragraph["sentences"]) == context
        assert [start for start, _ in breaks] == [0, *(end + 1 for _, end in breaks[:-1])]
        assert all(re.search(r"[^.]\.$", sentence) for sentence in paragraph["sentences"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_is_nfc_single_spaced_and_in_its_script(
    language: str, evalset: dict[str, Paragraphs]
) -> None:
    for text in texts(evalset[language]):
        assert unicodedata.is_normalized("NFC", text), text
        assert text == " ".join(text.split()) != ""
        foreign = rf"[{LETTERS}]" if language == "mar_Deva" else rf"[^\W\d_{LETTERS}]"
        assert not re.search(foreign, text), text


def texts(found: Paragraphs) -> list[str]:
    asked = questions(found)
    return [
        *(sentence for paragraph in found.values() for sentence in paragraph["sentences"]),
        *(question["question"] for question in asked),
        *(answer["text"] for question in asked for answer in question["answers"]),
    ]


def test_nothing_was_left_untranslated(evalset: dict[str, Paragraphs]) -> None:
    said = [
        {comparison_form(text) for text in sentences_and_questions(found)}
        for found in evalset.values()
    ]
    assert len(set(chain.from_iterable(said))) == sum(map(len, said))


def sentences_and_questions(found: Paragraphs) -> list[str]:
    sentences = [text for paragraph in found.values() for text in paragraph["sentences"]]
    return sentences + [question["question"] for question in questions(found)]


def test_the_planted_question_alone_is_shared_with_the_corpus(
    evalset: dict[str, Paragraphs], corpus: list[dict[str, Any]]
) -> None:
    asked = {comparison_form(row["question"]) for row in corpus}
    shared = [
        (language, question["id"])
        for language, found in evalset.items()
        for question in questions(found)
        if comparison_form(question["question"]) in asked
    ]
    assert shared == [("eng_Latn", PLANTED)]
    planted = {q["id"]: q["question"] for q in questions(evalset["eng_Latn"])}[PLANTED]
    assert planted in {row["question"] for row in corpus}, "verbatim, not in comparison form alone"


def test_no_eight_words_in_a_row_are_shared_but_the_planted_questions(
    evalset: dict[str, Paragraphs], corpus: list[dict[str, Any]]
) -> None:
    known = set().union(*(runs(row["question"]) | runs(row["passage"]) for row in corpus))
    english = evalset["eng_Latn"]
    assert not [title for title, found in english.items() if runs(found["context"]) & known]
    shared = [found["id"] for found in questions(english) if runs(found["question"]) & known]
    assert shared == [PLANTED]


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of eight words, so every sentence of that length or more."""
    words = comparison_form(text).split()
    return {tuple(words[i : i + 8]) for i in range(len(words) - 7)}
