"""Language identifiers: which one is asked, what counts, what stays unchecked."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from qa_parallel.errors import SourceError
from qa_parallel.filters import score
from qa_parallel.filters.language import Identifier, load
from qa_parallel.filters.workers import Workers
from qa_parallel.language_codes import LANGUAGES

from .test_rows import corpus

TEXTS = {
    "deu_Latn": "Der alte Mann ging jeden Morgen über die Brücke in die Stadt.",
    "fra_Latn": "Le vieil homme traversait le pont chaque matin pour aller en ville.",
    "swh_Latn": "Mzee huyo alivuka daraja kila asubuhi kwenda mjini kununua chakula.",
    "hrv_Latn": "Stari čovjek je svako jutro prelazio most da bi otišao u grad.",
    "zsm_Latn": "Orang tua itu menyeberangi jambatan setiap pagi untuk pergi ke bandar.",
    "hin_Deva": "बूढ़ा आदमी हर सुबह पुल पार करके शहर जाता था और शाम को घर लौटता था।",
}


@pytest.mark.parametrize("name", ["py3langid", "langid", "heliport"])
def test_every_detector_knows_a_text_from_others(name: str) -> None:
    if name == "heliport":
        pytest.importorskip("heliport")
    detector = load(name)
    for language, text in TEXTS.items():
        for claimed in TEXTS:
            (odds,) = detector.odds([text], LANGUAGES[claimed].labels)
            assert 0 <= odds <= 1
            if name != "langid":  # the weakest of them, and the surest of itself
                assert (odds > 0.25) is (claimed == language), (name, language, claimed, odds)
            elif claimed == language:
                assert odds > 0.25, (name, language, odds)


def test_labels_that_no_tool_parts_are_all_accepted() -> None:
    identifier = Identifier("py3langid")
    for claimed in ("bos_Latn", "hrv_Latn"):
        assert identifier.odds([TEXTS["hrv_Latn"]], claimed)[0] > 0.5  # type: ignore[index]
    assert identifier.odds([TEXTS["zsm_Latn"]], "ind_Latn")[0] > 0.5  # type: ignore[index]


def test_names_do_not_make_english_pidgin() -> None:
    # Nigerian Pidgin has no NLLB code, and its words are English: a name or two decide.
    questions = [
        "Which year was the Nigerian actor Chidi Okonkwo born?",
        "Who governed Kaduna State in Nigeria?",
        "When was the Nigerian singer Adaeze Okafor born?",
    ]
    odds = Identifier("py3langid").odds(questions, "eng_Latn")
    assert min(odds or [0]) > 0.25
    others = [text for code, text in TEXTS.items() if code != "eng_Latn"]
    assert max(Identifier("py3langid").odds(others, "eng_Latn") or [1]) < 0.25


def test_a_language_that_no_detector_knows_is_not_checkable() -> None:
    identifier = Identifier("langid")
    assert identifier.detector("bem_Latn") is None
    assert identifier.odds(["Umwana alemona"], "bem_Latn") is None
    frame = corpus("bem_Latn", None, question=["Bushe ni muntu nshi uwapangile icalo conse?"])
    scores = score(frame, identifier=identifier)
    assert scores.filter(check="language").is_empty()
    assert scores.filter(check="script").height == 1


def test_short_texts_are_left_to_the_script() -> None:
    frame = corpus("deu_Latn", None, question=["What is this?", TEXTS["fra_Latn"]])
    scores = score(frame, identifier=Identifier("py3langid")).filter(check="language")
    assert scores["qa_id"].to_list() == ["q1"]
    assert scores["score"][0] < 0.1


def test_names_in_answers_are_not_identified() -> None:
    frame = corpus("deu_Latn", None, answer=["Jean-Baptiste de Lamarck et Compagnie"])
    assert score(frame).filter(check="language").is_empty()


def test_worker_processes_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from qa_parallel.filters import language

    texts = list(TEXTS.values()) * 3
    alone = Identifier("py3langid").odds(texts, "deu_Latn")
    monkeypatch.setattr(language, "_MANY", 1)
    monkeypatch.setattr(language, "_CHUNK", 5)
    with Workers(2) as workers:
        assert Identifier("py3langid", workers).odds(texts, "deu_Latn") == alone


def test_unknown_detectors_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found 'lingua'"):
        Identifier("lingua")


def test_the_whole_score_is_a_table_of_its_schema() -> None:
    from qa_parallel.filters.checks import SCORES

    english = corpus("eng_Latn", None, question=["Who is the old man?"], answer=["Tom"])
    german = corpus("deu_Latn", "eng_Latn", question=["Wer ist der alte Mann?"], answer=["Tom"])
    scores = score(pl.concat([english, german]))
    assert scores.schema == SCORES
    assert scores.select("qa_id", "language", "field", "check").is_duplicated().sum() == 0
    assert scores["score"].null_count() == 0
    assert scores["score"].is_nan().sum() == 0


def test_a_frame_of_a_few_columns_is_enough() -> None:
    english = corpus("eng_Latn", None, question=["who was the old man that went over the bridge"])
    german = corpus(
        "deu_Latn", "eng_Latn", question=["who was the old man that went over the bridge"]
    )
    whole = pl.concat([english, german])
    few = whole.select("qa_id", "language", "question", "translated_from")
    assert score(few).equals(score(whole))
    assert score(few).filter(check="copied")["score"].to_list() == [1.0]
    with pytest.raises(SourceError, match="expected a column 'language'"):
        score(few.drop("language"))
    with pytest.raises(SourceError, match="expected 'question' as String"):
        score(few.with_columns(question=1))
