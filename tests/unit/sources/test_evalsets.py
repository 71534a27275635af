"""Evaluation sets of every layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qa_parallel import hub
from qa_parallel.errors import QAParallelError, SourceError
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES
from qa_parallel.sources import readers
from qa_parallel.sources.evalsets import EvalSet, counts_only, open_evalset
from qa_parallel.sources.settings import EvalSettings, parse_evalset
from qa_parallel.sources.tags import language_of
from tests.lareqa import BREAKS, PASSAGE, lareqa
from tests.small_corpora import corpus_folder, corpus_frame


def lines(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(record) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def opened(path: Path, **options: Any) -> EvalSet:
    evalset = open_evalset(EvalSettings(name="set", path=str(path), **options))
    assert evalset.queries.schema == QUERIES
    assert evalset.candidates.schema == CANDIDATES
    assert evalset.qrels.schema == QRELS
    assert evalset.queries["query_id"].is_unique().all()
    assert evalset.candidates["candidate_id"].is_unique().all()
    assert set(evalset.qrels["candidate_id"]) <= set(evalset.candidates["candidate_id"])
    assert set(evalset.qrels["qa_id"]) <= set(evalset.queries["qa_id"])
    return evalset


def relevant(evalset: EvalSet) -> set[tuple[str, str, str]]:
    """(language of the query, question, text that is relevant to it)."""
    joined = evalset.qrels.join(evalset.queries, on="qa_id").join(
        evalset.candidates, on="candidate_id"
    )
    return set(joined.select("language", "question", "text").iter_rows())


def test_sentences_of_lareqa_in_every_language(tmp_path: Path) -> None:
    for code in ("en", "de"):
        lareqa(
            tmp_path / f"{code}.json",
            {"5ab1": (f"When did it burn? {code}", 33), "5ab2": (f"Was it dry? {code}", 0)},
        )
    evalset = opened(tmp_path)
    assert evalset.languages == ["deu_Latn", "eng_Latn"]
    assert evalset.candidates["text"].to_list() == [
        "Rain fell.", "The old mill burned in 1902.", "Nobody was hurt.",
    ] * 2  # fmt: skip
    for text, start, end, passage in evalset.candidates.select(
        "text", "start", "end", "passage"
    ).iter_rows():
        assert passage[start:end] == text
    # a query and its translation have relevant sentences in both languages
    assert evalset.qrels.height == 4
    assert relevant(evalset) == {
        (f"{language}_Latn", f"{question} {code}", text)
        for language, code in (("eng", "en"), ("deu", "de"))
        for question, text in (
            ("When did it burn?", "The old mill burned in 1902."),
            ("Was it dry?", "Rain fell."),
        )
    }


def test_ids_that_count_join_no_languages(tmp_path: Path) -> None:
    """TyDiQA numbers the questions of each language by themselves."""
    lines(tmp_path / "en.jsonl", *({"id": str(n), "question": f"e{n}"} for n in range(9)))
    lines(tmp_path / "sw.jsonl", *({"id": str(n), "question": f"s{n}"} for n in range(5)))
    assert opened(tmp_path).queries["qa_id"].n_unique() == 14
    assert opened(tmp_path, parallel=True).queries["qa_id"].n_unique() == 9
    lines(tmp_path / "sw.jsonl", *({"id": str(n), "question": f"s{n}"} for n in range(9)))
    assert opened(tmp_path).queries["qa_id"].n_unique() == 9


def test_an_id_of_several_questions(tmp_path: Path) -> None:
    lines(
        tmp_path / "x.jsonl",
        {"id": "1", "question": "a?", "context": "A."},
        {"id": "1", "question": "b?", "context": "B."},
        {"id": "2", "question": "c?", "context": "A."},
    )
    evalset = opened(tmp_path / "x.jsonl")
    assert relevant(evalset) == {
        ("eng_Latn", "a?", "A."), ("eng_Latn", "b?", "B."), ("eng_Latn", "c?", "A."),
    }  # fmt: skip
    assert evalset.queries["local_id"].to_list() == ["1", "1", "2"]


def test_questions_without_an_answer_count(tmp_path: Path) -> None:
    """SQuAD 2: half of the questions are unanswerable, and can leak like any other."""
    paragraph = {
        "context": "The mill burned.",
        "qas": [
            {
                "id": "a",
                "question": "What burned?",
                "answers": [{"text": "mill", "answer_start": 4}],
            },
            {"id": "b", "question": "What froze?", "answers": [], "is_impossible": True},
        ],
    }
    (tmp_path / "dev.json").write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    evalset = opened(tmp_path / "dev.json")
    assert evalset.queries["question"].to_list() == ["What burned?", "What froze?"]
    assert relevant(evalset) == {("eng_Latn", "What burned?", "The mill burned.")}


def test_native_questions_have_their_english_beside_them(tmp_path: Path) -> None:
    """AfriQA: the same ids in every file, native question, English question and passage."""
    for code in ("zul", "ibo"):
        lines(
            tmp_path / f"{code}.en.json",
            *(
                {
                    "id": str(n),
                    "question_lang": f"{code}{n}",
                    "question_translated": f"English of {code}{n}",
                    "answer_pivot": {"text": ["A"], "answer_start": [0]},
                    "answer_lang": "a",
                    "context": f"A passage {code}{n}",
                }
                for n in range(2)
            ),
        )
    evalset = opened(tmp_path)
    assert evalset.queries["qa_id"].n_unique() == 4
    assert set(evalset.candidates["language"]) == {"eng_Latn"}
    assert ("zul_Latn", "zul1", "A passage zul1") in relevant(evalset)
    assert ("eng_Latn", "English of ibo0", "A passage ibo0") in relevant(evalset)
    assert len(relevant(evalset)) == 8


def beir_folder(folder: Path) -> None:
    lines(
        folder / "queries.jsonl",
        {"_id": "q1", "text": "when did it burn"},
        {"_id": "q2", "text": "of the training set"},
        {"_id": "q3", "text": "who was hurt"},
    )
    lines(
        folder / "corpus.jsonl.gz",
        {"_id": "d1", "title": "Mill", "text": "It burned in 1902."},
        {"_id": "d2", "title": "", "text": "Nobody."},
        {"_id": "d3", "text": "Of no use."},
    )
    (folder / "qrels").mkdir()
    head = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels/test.tsv").write_text(f"{head}q1\td1\t2\nq1\td3\t0\nq3\td2\t1\n")
    (folder / "qrels/train.tsv").write_text(f"{head}q2\td3\t1\n")


def test_beir_takes_the_queries_of_a_split(tmp_path: Path) -> None:
    beir_folder(tmp_path)
    evalset = opened(tmp_path)
    assert evalset.queries["local_id"].to_list() == ["q1", "q3"]
    assert evalset.candidates["title"].to_list() == ["Mill", None, None]
    assert evalset.qrels["relevance"].to_list() == [2, 0, 1]
    assert opened(tmp_path, split="train").queries["local_id"].to_list() == ["q2"]
    with pytest.raises(SourceError, match=r"split 'dev', found test\.tsv, train\.tsv"):
        opened(tmp_path, split="dev")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2.0\nq3\td2\t1.0\n"),
        ("test.tsv", "corpus-id\tscore\tquery-id\nd1\t2\tq1\nd2\t1\tq3\n"),
        ("test.tsv", "q1\t0\td1\t2\nq3\t0\td2\t1\n"),
        ("test.txt", "q1 0 d1 2\nq3 0 d2 1\n"),
        ("test.trec", "q1 Q0 d1 2\r\nq3 Q0 d2 1\r\n"),
        ("test.jsonl", '{"query-id": "q1", "corpus-id": "d1", "score": 2.0}\n'
                       '{"query-id": "q3", "corpus-id": "d2", "score": 1.0}\n'),
        ("test.csv", "query_id,doc_id,relevance\nq1,d1,2\nq3,d2,1\n"),
        ("test-00000-of-00001.parquet", ""),
    ],
)  # fmt: skip
def test_judgements_as_people_have_them(tmp_path: Path, name: str, text: str) -> None:
    beir_folder(tmp_path)
    (tmp_path / "qrels/test.tsv").unlink()
    if name.endswith(".parquet"):
        columns = {"query-id": ["q1", "q3"], "corpus-id": ["d1", "d2"], "score": [2.0, 1.0]}
        pl.DataFrame(columns).write_parquet(tmp_path / "qrels" / name)
    else:
        (tmp_path / "qrels" / name).write_text(text)
    qrels = opened(tmp_path).qrels
    assert list(qrels.iter_rows()) == [
        ("set/eng_Latn/q1", "set/eng_Latn/d1", 2),
        ("set/eng_Latn/q3", "set/eng_Latn/d2", 1),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1\td1\t0.5\n", "a whole number, found '0.5' at .*:1"),
        ("q1\td1\tnan\n", "a whole number, found 'nan' at .*:1"),
        ("q1\td1\tinf\n", "a whole number, found 'inf' at .*:1"),
        ("query-id\tcorpus-id\tscore\nq1\td1\tyes\n", "found 'yes' at .*:2"),
        ("q1 d1\n", "expected query, document and relevance, found .* at .*:1"),
        ("query-id\tcorpus-id\tscore\n", "expected judgements in .*, found none"),
    ],
)
def test_judgements_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    beir_folder(tmp_path)
    (tmp_path / "qrels/test.tsv").write_text(text)
    with pytest.raises(SourceError, match=message):
        opened(tmp_path)


def test_judged_alone_leaves_the_collection_out(tmp_path: Path) -> None:
    beir_folder(tmp_path)
    settings = EvalSettings(name="set", path=str(tmp_path))
    assert open_evalset(settings, judged=True).candidates["local_id"].to_list() == ["d1", "d2"]
    for path in tmp_path.glob("qrels/*"):
        path.unlink()
    whole = open_evalset(settings, judged=True)
    assert (whole.queries.height, whole.candidates.height, whole.qrels.height) == (3, 3, 0)


def test_miracl_has_a_folder_a_language(tmp_path: Path) -> None:
    for code in ("sw", "bn"):
        home = tmp_path / f"miracl-v1.0-{code}"
        (home / "topics").mkdir(parents=True)
        (home / "qrels").mkdir()
        (home / f"topics/topics.{code}-dev.tsv").write_text(f"1#0\tswali {code}\n", "utf-8")
        (home / f"topics/topics.{code}-train.tsv").write_text("2#0\tno\n")
        (home / f"qrels/qrels.{code}-dev.tsv").write_text("1#0 Q0 9#1 1\n1#0 Q0 9#2 0\n")
        lines(home / "docs-0.jsonl.gz", {"docid": "9#1", "title": "T", "text": f"jibu {code}"})
    evalset = open_evalset(EvalSettings(name="miracl", path=str(tmp_path)))
    assert evalset.languages == ["ben_Beng", "swh_Latn"]
    assert evalset.queries["question"].to_list() == ["swali bn", "swali sw"]
    assert evalset.queries["qa_id"].n_unique() == 2  # equal numbers, different queries


def test_topics_without_names_of_columns(tmp_path: Path) -> None:
    (tmp_path / "topics.tsv").write_text('12\twho built it?\n13\twho "burned" it?\n')
    evalset = opened(tmp_path / "topics.tsv")
    assert evalset.queries["question"].to_list() == ["who built it?", 'who "burned" it?']
    assert not evalset.candidates.height
    (tmp_path / "named.tsv").write_text("id\tquestion\n12\twho built it?\n")
    assert opened(tmp_path / "named.tsv").queries["question"].to_list() == ["who built it?"]


def test_a_corpus_of_ours(tmp_path: Path) -> None:
    row: dict[str, Any] = {
        "qa_id": "q1",
        "passage_id": "p1",
        "question": "When?",
        "answer": "1902",
        "passage": PASSAGE,
        "sentence_breaks": BREAKS,
        "answer_sentences": [1],
    }
    rows = [row | {"language": code} for code in ("eng_Latn", "deu_Latn")]
    corpus_folder(tmp_path / "corpus", corpus_frame(rows))
    evalset = opened(tmp_path / "corpus")
    assert evalset.queries["qa_id"].to_list() == ["set/q1", "set/q1"]
    assert {text for _, _, text in relevant(evalset)} == {"The old mill burned in 1902."}


def test_a_set_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def records(*args: object) -> readers.Records:
        asked.append(args)
        return iter([("validation:0", {"question": "wann?", "context": "Nie."})])

    monkeypatch.setattr(hub, "dataset_commit", lambda repo, revision: ("c" * 40, None))
    monkeypatch.setattr(hub, "dataset_records", records)
    evalset = open_evalset(parse_evalset("x=google/xquad?config=xquad.de&split=validation"))
    assert asked == [("google/xquad", "xquad.de", "validation", "c" * 40)]
    assert evalset.queries["language"].to_list() == ["deu_Latn"]
    assert evalset.source == f"google/xquad@{'c' * 40}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", '{"queries": ["a"], "docs": {}}', "expected an array of objects"),
        ("x.jsonl", '{"foo": 1, "bar": 2}\n', "found keys foo, bar.*known are LAReQA"),
        ("x.jsonl", "", "expected questions or passages, found none"),
        ("x.tsv", "1\ta\n2\n", r"expected an id, a tab and a text, found 1 columns"),
        ("queries.jsonl", '{"foo": "1"}\n', "found keys foo"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=message):
        opened(tmp_path / name if name != "queries.jsonl" else tmp_path)


def test_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match=r"expected an evaluation set in .*, found notes\.txt"):
        opened(tmp_path)
    with pytest.raises(SourceError, match=r"found nothing at .*missing"):
        opened(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=x", "expected PATH or NAME=PATH"),
        ("x=", "expected PATH or NAME=PATH"),
        ("a b=c", "expected PATH or NAME=PATH"),
        ("x=a.json?langage=de", "found 'langage'"),
        ("x=a.json?language=xx", "expected a language of NLLB-200"),
        ("x=a.json?parallel=maybe", "parallel=maybe: input should be a valid boolean"),
    ],
)
def test_how_a_set_is_named(text: str, message: str) -> None:
    with pytest.raises(QAParallelError, match=message):
        parse_evalset(text)


def test_a_set_without_a_name_has_that_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("held-out.csv", "a=b.csv", "who?.csv", "my set.v1.json"):
        (tmp_path / name).write_text("question,answer\n")
    (tmp_path / "data.v1").mkdir()
    monkeypatch.chdir(tmp_path)

    def named(text: str) -> tuple[str, str, str | None]:
        found = parse_evalset(text)
        return found.name, found.path, found.split

    assert named("held-out.csv") == ("held-out", "held-out.csv", None)
    assert named("./held-out.csv?split=dev") == ("held-out", "./held-out.csv", "dev")
    assert named("data.v1") == ("data.v1", "data.v1", None)
    assert named("my set.v1.json") == ("my-set.v1", "my set.v1.json", None)
    assert named("google/xquad?split=dev") == ("xquad", "google/xquad", "dev")
    # what is there is a path, whatever is in it
    assert named("a=b.csv") == ("a-b", "a=b.csv", None)
    assert named("a=b.csv?split=dev") == ("a-b", "a=b.csv", "dev")
    assert named("x=a=b.csv") == ("x", "a=b.csv", None)
    assert named("x=who?.csv") == ("x", "who?.csv", None)
    assert named("x=a.csv?split=dev") == ("x", "a.csv", "dev")
    assert named("y" * 5000)[0] == "y" * 5000  # found to be missing later, in one line


def test_what_a_set_can_be_told() -> None:
    settings = parse_evalset("a-b=data/x.csv?language=Swahili&question=swali&split=dev")
    assert settings == EvalSettings(
        name="a-b",
        path="data/x.csv",
        language="swh_Latn",
        split="dev",
        columns={"question": "swali"},
    )


@pytest.mark.parametrize("one", ["1", "0042", "q-17", "qs-034", "train_12", "1#0", "data.3", "abc"])
def test_ids_that_count(one: str) -> None:
    assert counts_only(one)


@pytest.mark.parametrize(
    "one",
    ["56beb4343aeaaa14008c925b", "7358594490286423817", "5ab1f-77c2-9d",
     "569666f4dc3983dab5624e989212c1d9d0cd1798"],
)  # fmt: skip
def test_ids_that_do_not_merely_count(one: str) -> None:
    assert not counts_only(one)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("en.json", "eng_Latn"),
        ("sw.train.json", "swh_Latn"),
        ("xquad.zh.json", "zho_Hans"),
        ("dev-context-de-question-es.json", "spa_Latn"),
        ("zul.en.train.json.gz", "zul_Latn"),
        ("deu_Latn.parquet", "deu_Latn"),
        ("train.jsonl", None),
        ("miracl-v1.0-bn", "ben_Beng"),
    ],
)
def test_languages_in_names(name: str, code: str | None) -> None:
    assert language_of(name) == code


@pytest.mark.realdata
def test_xquad_r_has_the_published_numbers(realdata: Path) -> None:
    evalset = opened(realdata / "xquad-r")
    counts = dict(evalset.candidates.group_by("language").len().iter_rows())
    published = (
        "ar 1222 de 1276 el 1234 en 1180 es 1215 hi 1244 ru 1219 th 852 tr 1167 vi 1209 zh 1196"
    )
    words = published.split()
    codes = [language_of(f"{code}.json") for code in words[::2]]
    assert counts == dict(zip(codes, map(int, words[1::2]), strict=True))
    assert evalset.queries.height == 11 * 1190 == evalset.qrels.height


def test_a_corpus_of_ours_that_is_half_written(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"made_by": "qa-parallel", "version": 1}')
    with pytest.raises(SourceError, match="found one that is half-written"):
        open_evalset(EvalSettings(name="x", path=str(tmp_path)))


def test_settings_of_somebody_else_are_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('[{"question": "Who?"}]')
    assert open_evalset(EvalSettings(name="x", path=str(tmp_path))).queries.height == 1
