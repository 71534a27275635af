"""Languages are read where they are said, identified where they are asked for, never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.schema import CORPUS
from qa_parallel.sources.account import layout_words
from qa_parallel.sources.evalsets import open_evalset
from qa_parallel.sources.identify import SAMPLE, identify, warning
from qa_parallel.sources.parallel import import_parallel
from qa_parallel.sources.settings import EvalSettings, parse_evalset
from qa_parallel.sources.tags import folder_languages, passages_of, read_tag
from qa_parallel.storage.corpus import read_corpus
from tests.unit.sources.test_evalsets import beir_folder
from tests.unit.sources.test_layouts import PASSAGE, lines, opened, rows

GERMAN = [
    {"id": f"q{n}", "question": f"Wo steht die alte Brücke Nummer {n}?", "answer": "Am Fluss."}
    for n in range(6)
]
FRENCH = [
    {"id": f"q{n}", "question": f"Où se trouve le vieux pont numéro {n} ?", "answer": "Au fleuve."}
    for n in range(6)
]


def evalset(path: Path, **options: Any) -> Any:
    return open_evalset(EvalSettings(name="x", path=str(path), **options))


# A column of languages


def test_rows_that_say_another_language_are_left_out_and_counted(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        {"question": "Where?", "lang": "en"},
        {"question": "Wo?", "lang": "de"},
        {"question": "Where now?", "lang": "en-GB"},
        {"question": "What is a list?", "lang": "python"},
    )
    source = opened(path)
    assert [row["question"] for row in rows(source)] == ["Where?", "Where now?", "What is a list?"]
    assert str(source.counts) == "read 4, kept 3, other language 1, without id 3"
    assert rows(opened(path, source_language="de"))[0]["question"] == "Wo?"
    assert opened(path, columns={"language": ""}).total == 4
    path = lines(tmp_path / "b.jsonl", {"question": "Where?", "lang": "en"})
    with pytest.raises(SourceError, match="in eng_Latn: give that as source_language"):
        opened(path, source_language="fr")


def test_rows_of_a_macrolanguage_are_of_its_members(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"question": "在哪裡?", "language": "zh"})
    assert opened(path, source_language="zh-TW").total == 1


def test_rows_are_the_languages_of_a_set(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        {"id": "a1b2c3d4e5f", "question": "Where?", "passage": "Here.", "lang": "en"},
        {"id": "a1b2c3d4e5f", "question": "Wo?", "passage": "Hier.", "lang": "de"},
        {"id": "a1b2c3d4e5f", "question": "Wo denn?", "passage": "Do.", "lang": "gsw"},
    )
    assert evalset(path).languages == ["deu_Latn", "eng_Latn", "gsw"]
    german = evalset(path, language="de")
    assert german.queries["question"].to_list() == ["Wo?"]
    assert "rows in other languages left out 2" in layout_words(german.account)


def test_a_dictionary_of_languages_is_a_set_in_all_of_them(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "mkqa.jsonl",
        {"example_id": 7, "queries": {"en": "who?", "de": "wer?"}, "answers": {"en": [], "de": []}},
        {
            "example_id": 8,
            "queries": {"en": "where?", "de": "wo?"},
            "answers": {"en": [], "de": []},
        },
    )
    found = evalset(path)
    assert set(found.queries.select("language", "question").iter_rows()) == {
        ("eng_Latn", "who?"), ("deu_Latn", "wer?"), ("eng_Latn", "where?"), ("deu_Latn", "wo?"),
    }  # fmt: skip
    assert found.queries["qa_id"].n_unique() == 2
    with pytest.raises(SourceError, match=r"questions in mkd_Cyrl, found eng_Latn, deu_Latn"):
        evalset(path.rename(tmp_path / "mk.jsonl"))


# A corpus of ours


def corpus(folder: Path) -> Path:
    """English and its French translation, with all that says where they come from."""
    for code, question, more in (
        ("eng_Latn", "Where is the bridge?", {"answers": ["Here.", "There."]}),
        ("fra_Latn", "Où est le pont ?", {"translated_from": "eng_Latn", "translator": "m@1",
                                          "question_logprob": -0.25, "flags": ["question:cut"]}),
    ):  # fmt: skip
        row: dict[str, Any] = dict.fromkeys(CORPUS) | {
            "qa_id": "q1", "passage_id": "p-of-old", "language": code, "question": question,
            "answer": "Here.", "passage": PASSAGE, "source": "squad@1", "source_row": "7",
            "license": "CC0", "flags": [],
        }  # fmt: skip
        path = folder / "data" / code / "train-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        pl.DataFrame([row | more], schema=CORPUS).write_parquet(path)
    return folder


def test_a_corpus_of_ours_says_its_language_and_keeps_where_it_comes_from(tmp_path: Path) -> None:
    home = corpus(tmp_path)
    for place in (home / "data/fra_Latn", home / "data/fra_Latn/train-00000-of-00001.parquet"):
        source = opened(place)
        (row,) = rows(source)
        assert source.language == row["language"] == "fra_Latn"
        assert (row["passage_id"], row["source"], row["source_row"]) == ("p-of-old", "squad@1", "7")
        assert (row["translated_from"], row["translator"]) == ("eng_Latn", "m@1")
        assert (row["license"], row["question_logprob"]) == ("CC0", -0.25)
        assert row["flags"] == ["question:cut"]
    (row,) = rows(opened(home / "data/eng_Latn"))
    assert row["answers"] == ["Here.", "There."]
    with pytest.raises(SourceError, match="give that as source_language"):
        opened(home / "data/fra_Latn", source_language="en")
    with pytest.raises(SourceError, match="expected data in one language"):
        opened(home / "data")


# What a source looks like


def test_what_looks_like_another_language_is_said(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", *GERMAN)
    source = opened(path)
    told = "looks like German (deu_Latn), read as English (eng_Latn)"
    assert source.account.warnings == [told]
    assert layout_words(source.account).endswith(f"warning: {told}")
    assert opened(path, source_language="de").account.warnings == []
    made = import_parallel({"en": path, "fr": lines(tmp_path / "b.jsonl", *FRENCH)})
    assert [account.warnings for account in made.accounts.values()] == [[told], []]


def test_a_language_can_be_told_on_request(tmp_path: Path) -> None:
    source = opened(lines(tmp_path / "a.jsonl", *GERMAN), source_language="auto")
    assert source.language == "deu_Latn"
    assert {row["language"] for row in rows(source)} == {"deu_Latn"}
    said = lines(tmp_path / "b.jsonl", {"question": "Wo?", "lang": "de"})
    assert opened(said, source_language="auto").language == "deu_Latn"
    with pytest.raises(SourceError, match="found none for sure"):
        opened(lines(tmp_path / "c.jsonl", {"question": "12?"}), source_language="auto")


# Native questions beside others


def fon(path: Path, rows: int = 30) -> Path:
    """AfriQA's Fon, whose questions were translated into French."""
    return lines(
        path,
        *(
            {"id": str(n), "question_lang": f"Fitɛ wɛ jɔtɛn ɔ ɖe {n}?", "answer_lang": "a",
             "question_translated": f"Où se trouve le lieu de naissance numéro {n} ?",
             "answer_pivot": {"text": ["b"], "answer_start": [0]}, "context": "b, le lieu."}
            for n in range(rows)
        ),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["fon.fr.train.json", "pairs.json"])
def test_a_pivot_need_not_be_english(tmp_path: Path, name: str) -> None:
    path = fon(tmp_path / name)
    with pytest.raises(SourceError, match=r"eng_Latn, found .*fra_Latn"):
        import_parallel({"en": path, "fon": path})
    made = import_parallel({"fr": path, "fon": path}).frames()
    assert made["fra_Latn"]["question"][0].startswith("Où se trouve")
    assert made["fra_Latn"]["passage"][0] == "b, le lieu."
    assert made["fon_Latn"]["question"][0].startswith("Fitɛ")
    assert made["fon_Latn"]["passage"].null_count() == 30
    if name.startswith("fon"):
        with pytest.raises(SourceError, match="hau_Latn, found fon_Latn and fra_Latn"):
            opened(path, source_language="ha")
        assert evalset(path).languages == ["fon_Latn", "fra_Latn"]


# Import


def test_columns_of_a_language_behind_its_path(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "mkqa.jsonl",
        *({"example_id": n, "queries": {"en": f"who is {n}?", "de": f"wer ist {n}?"}}
          for n in range(5)),
    )  # fmt: skip
    files = {code: f"{path}?question=queries.{code}&answer=" for code in ("en", "de")}
    made = import_parallel(files)
    assert made.frames()["deu_Latn"]["question"][0] == "wer ist 0?"
    assert made.complete() == 5
    with pytest.raises(SourceError, match="found the same under deu_Latn and eng_Latn in 5 of 5"):
        import_parallel({"en": f"{path}?question=queries.en", "de": f"{path}?question=queries.en"})
    with pytest.raises(SourceError, match="found 'quesion'"):
        import_parallel({"en": f"{path}?quesion=queries.en", "de": str(path)})


# Evaluation sets in any language


def test_a_language_that_nllb_lacks_is_not_english(tmp_path: Path) -> None:
    for code in ("en", "ang", "gsw", "xho", "fuc"):
        lines(tmp_path / f"{code}.jsonl", {"id": "a1b2c3d4e5f", "question": f"{code}?"})
    assert evalset(tmp_path).languages == ["ang", "eng_Latn", "fuc", "gsw", "xho_Latn"]
    lines(tmp_path / "notes-of-ann.jsonl", {"question": "x?"})
    with pytest.raises(SourceError, match=r"expected a language .* found notes-of-ann\.jsonl"):
        evalset(tmp_path)


def test_a_lone_file_is_english_and_may_be_said_to_be_another(tmp_path: Path) -> None:
    path = lines(tmp_path / "faq.jsonl", {"question": "x?"})
    assert evalset(path).languages == ["eng_Latn"]
    assert evalset(path, language="gsw").languages == ["gsw"]
    with pytest.raises(LanguageError):
        evalset(path, language="klingon")


def test_a_folder_of_languages_is_no_source_whatever_else_is_in_it(tmp_path: Path) -> None:
    for code in ("en", "de", "fr", "ang", "notes"):
        lines(tmp_path / f"{code}.jsonl", {"question": f"{code}?"})
    with pytest.raises(SourceError, match="expected data in one language, found deu_Latn, eng_"):
        opened(tmp_path)


def test_languages_in_names_of_folders() -> None:
    assert folder_languages(["de/test.jsonl", "gsw/test.jsonl"], "x") == {
        "de/test.jsonl": "deu_Latn", "gsw/test.jsonl": "gsw",
    }  # fmt: skip
    assert folder_languages(["part-0.jsonl", "part-1.jsonl"], "x") == {
        "part-0.jsonl": None, "part-1.jsonl": None,
    }  # fmt: skip


@pytest.mark.realdata
def test_all_languages_of_tatoeba(realdata: Path) -> None:
    names = {path.name.split(".")[1].split("-")[0] for path in (realdata / "tatoeba-112").iterdir()}
    labels = [f"{name}.jsonl" for name in (*sorted(names), "eng")]
    assert len(set(folder_languages(labels, "x").values())) == 113
    assert read_tag("ang") == "ang"


def test_english_topics_on_german_documents(tmp_path: Path) -> None:
    beir_folder(tmp_path / "set")
    found = open_evalset(parse_evalset(f"x={tmp_path}/set?queries=en&language=de"))
    assert set(found.queries["language"]) == {"eng_Latn"}
    assert set(found.candidates["language"]) == {"deu_Latn"}
    assert set(found.qrels["qa_id"]) <= set(found.queries["qa_id"])
    path = lines(tmp_path / "a.jsonl", {"question": "Where?", "passage": "Hier."})
    found = open_evalset(parse_evalset(f"x={path}?queries=en&language=de"))
    assert set(found.candidates["language"]) == {"deu_Latn"}
    assert set(found.queries["language"]) == {"eng_Latn"}


def test_mlqa_names_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "dev-context-en-question-de.json"
    paragraph = {"context": PASSAGE, "qas": [{"id": "1", "question": "Wo?", "answers": [
        {"text": "Bern", "answer_start": 13}]}]}  # fmt: skip
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    assert passages_of(path.name) == "eng_Latn"
    found = evalset(path)
    assert found.queries["language"].to_list() == ["deu_Latn"]
    assert found.candidates["language"].to_list() == ["eng_Latn"]


def test_a_beir_folder_is_a_source(tmp_path: Path) -> None:
    beir_folder(tmp_path)
    source = opened(tmp_path)
    assert [(row["qa_id"], row["passage"]) for row in rows(source)] == [("q2", "Of no use.")]
    found = rows(opened(tmp_path, split="test"))
    assert [(row["title"], row["passage"]) for row in found] == [
        ("Mill", "It burned in 1902."), (None, "Nobody."),
    ]  # fmt: skip


def test_tables_of_ms_marco_are_a_set(tmp_path: Path) -> None:
    (tmp_path / "queries.dev.tsv").write_text("1\twhere is it\n2\twho is it\n")
    (tmp_path / "collection.tsv").write_text('10\tIt is "here".\n11\tNobody.\n')
    (tmp_path / "qrels.dev.tsv").write_text("1\t0\t10\t1\n")
    found = evalset(tmp_path)
    assert found.queries["question"].to_list() == ["where is it"]
    assert found.candidates["text"].to_list() == ['It is "here".', "Nobody."]
    assert [row["passage"] for row in rows(opened(tmp_path))] == ['It is "here".']


# Real data


@pytest.mark.realdata
def test_no_real_language_is_taken_for_another(realdata: Path) -> None:
    wrong = []
    for folder in sorted((realdata / "sib-200").iterdir()):
        frame = pl.read_csv(next(folder.glob("*.tsv")), separator="\t", quote_char=None)
        if told := warning(frame["text"].to_list()[:SAMPLE], folder.name):
            wrong.append((folder.name, told))
    assert [name for name, _ in wrong] == ["ace_Arab"]


@pytest.mark.realdata
def test_languages_of_xquad_are_told(realdata: Path) -> None:
    for path in sorted((realdata / "xquad-r").glob("*.json")):
        texts = [row["question"] for row in rows(opened(path, source_language=path.stem))]
        assert identify(texts) == path.stem
        told = opened(path, limit=50).account.warnings
        assert len(told) == (path.stem != "en")


def test_a_translated_corpus_is_a_source_again(tmp_path: Path) -> None:
    import qa_parallel as qp

    records = [{"id": f"q{n}", "question": f"Where is house {n}?"} for n in range(2)]
    first = qp.translate(records, to="de", model="demo", out=tmp_path / "a", cache=tmp_path / "c")
    again = qp.translate(
        first.folder / "data/eng_Latn", to="fr", model="demo", out=tmp_path / "b",
        cache=tmp_path / "c",
    )  # fmt: skip
    one, other = read_corpus(tmp_path / "a"), read_corpus(again.folder)
    mine = one.filter(language="eng_Latn").select("qa_id", "passage_id", "source", "source_row")
    assert mine.equals(other.filter(language="eng_Latn").select(mine.columns))
