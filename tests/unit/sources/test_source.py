"""Sources: layouts, ids, spans, hygiene, counts, the Hub through fakes, real data."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qa_parallel.errors import LanguageError, QAParallelError, SourceError
from qa_parallel.schema import CORPUS, text_id
from qa_parallel.sources.examples import place_answer, read_examples
from qa_parallel.sources.layouts import find_layout
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.source import Source, open_source

PASSAGE = "Ann lives in Bern. Ben lives in Basel."


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def opened(path: Path, **settings: Any) -> Source:
    return open_source(SourceSettings(source=str(path), **settings))


def rows(source: Source, size: int = 100) -> list[dict[str, Any]]:
    return pl.concat(source.frames(size)).to_dicts()


def only(path: Path, record: dict[str, Any], **settings: Any) -> dict[str, Any]:
    (row,) = rows(opened(lines(path, [record]), **settings))
    return row


# Layouts


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"id": "7", "title": "T", "context": PASSAGE, "question": "Where?",
             "answers": {"text": ["Bern", "in Bern"], "answer_start": [13, 10]}},
            ("7", "T", "Where?", "Bern", PASSAGE, 13, "source"),
        ),
        (
            {"example_id": 7358594490286423817, "title_text": "T", "paragraph_text": PASSAGE,
             "question_text": "where", "answer_text": ["Bern", "Basel"],
             "answer_spans": [[13, 17], [32, 37]]},
            ("7358594490286423817", "T", "where", "Bern", PASSAGE, 13, "source"),
        ),
        (
            {"id": "0", "title": "T", "context": PASSAGE, "question_lang": "Ina?",
             "question_translated": "Where?", "answer_lang": "Bern, a garin",
             "answer_pivot": {"text": ["Basel"], "answer_start": [32]}},
            ("0", "T", "Where?", "Basel", PASSAGE, 32, "source"),
        ),
        (
            {"Query": "Where?", "positive": PASSAGE, "negative": "x"},
            (None, None, "Where?", None, PASSAGE, None, None),
        ),
        (
            {"query_id": 3, "query": "Where?", "answers": ["Bern"], "passages":
             {"is_selected": [0, 1], "passage_text": ["no", PASSAGE]}},
            ("3", None, "Where?", "Bern", PASSAGE, 13, "exact"),
        ),
        (
            {"query_id": "3", "query": "Where?", "positive_passages": [{"text": PASSAGE}]},
            ("3", None, "Where?", None, PASSAGE, None, None),
        ),
        ({"Q": "How many?", "A": 308}, (None, None, "How many?", "308", None, None, None)),
        ({"question": "Only that?"}, (None, None, "Only that?", None, None, None, None)),
        ({"question": "And?", "answer": []}, (None, None, "And?", None, None, None, None)),
        (
            {"question": {"text": "Where?"}, "answer": [{"text": "Bern", "answer_start": 13}],
             "context": PASSAGE},
            (None, None, "Where?", "Bern", PASSAGE, 13, "source"),
        ),
    ],
)  # fmt: skip
def test_known_layouts(tmp_path: Path, record: dict[str, Any], expected: tuple[Any, ...]) -> None:
    row = only(tmp_path / "a.jsonl", record)
    _, *texts = expected
    fields = ("title", "question", "answer", "passage", "answer_start", "answer_method")
    assert [row[field] for field in fields] == texts
    made = text_id("q", row["question"], row["answer"], row["passage"])
    assert row["qa_id"] == (expected[0] or made)
    with_passage = text_id("p", row["passage"])
    assert row["passage_id"] == (with_passage if row["passage"] else row["qa_id"])
    assert row["flags"] == []
    empty = ("translated_from", "translator", "question_logprob", "answer_sentences")
    assert {row[field] for field in empty} == {None}


def test_squad_with_unanswerable_questions(tmp_path: Path) -> None:
    qas = [
        {"id": "1", "question": "Where?", "answers": [{"text": "Bern", "answer_start": 13}]},
        {"id": "2", "question": "Why?", "answers": [], "is_impossible": True},
        {"id": "3", "question": "Who?", "answers": []},
        {"id": "4", "question": "  ", "answers": [{"text": "Bern", "answer_start": 13}]},
    ]
    paragraph = {"context": PASSAGE, "qas": qas, "sentence_breaks": [[0, 18], [19, 38]]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [paragraph]}]}))
    source = opened(path)
    assert str(source.counts) == "read 4, kept 1, without question 1, unanswerable 2"
    (row,) = rows(source)
    assert row["sentence_breaks"] == [[0, 18], [19, 38]]
    assert row["source_row"] == "squad.json:data.0.paragraphs.0.qas.0"
    assert row["source"] == source.name == f"squad.json@{source.digest[:12]}"


def test_ms_marco_says_in_words_that_there_is_no_answer(tmp_path: Path) -> None:
    records = [{"query": "a?", "answers": ["No Answer Present."]}, {"query": "b?", "answers": "B"}]
    assert opened(lines(tmp_path / "a.jsonl", records)).counts.unanswerable == 1


def test_columns_named_by_the_user(tmp_path: Path) -> None:
    record = {"frage": "Wo?", "daten": {"antworten": [{"wort": "Bern"}]}, "text": "no", "l": "CC0"}
    columns = {
        "question": "frage", "answer": "daten.antworten.0.wort", "passage": "", "license": "l",
    }  # fmt: skip
    row = only(tmp_path / "a.jsonl", record, source_language="de", columns=columns)
    assert (row["question"], row["answer"], row["passage"]) == ("Wo?", "Bern", None)
    assert (row["license"], row["language"]) == ("CC0", "deu_Latn")


def test_a_column_with_a_dot_in_its_name(tmp_path: Path) -> None:
    row = only(tmp_path / "a.jsonl", {"q.text": "Who?"}, columns={"question": "q.text"})
    assert row["question"] == "Who?"


def test_native_questions_are_not_taken_for_english_and_back(tmp_path: Path) -> None:
    record = {"question_lang": "Ina?", "question_translated": "Where?", "context": PASSAGE}
    row = only(tmp_path / "a.jsonl", record, source_language="ha")
    assert (row["question"], row["passage"]) == ("Ina?", None)
    row = only(tmp_path / "a.jsonl", record, source_language="ha", columns={"passage": "context"})
    assert (row["question"], row["passage"]) == ("Ina?", PASSAGE)
    del record["question_lang"]
    with pytest.raises(SourceError, match="questions in hau_Latn"):
        only(tmp_path / "a.jsonl", record, source_language="ha")


def test_numbers_and_missing_values_from_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "question": ["a", "b"],
            "answers": [{"text": ["x"], "answer_start": [1]}, {"text": [], "answer_start": []}],
            "context": ["yx", "z"],
        }
    )
    frame.write_parquet(path)
    source = opened(path)
    assert [(row["qa_id"], row["answer_start"]) for row in rows(source)] == [("1", 1)]
    assert source.counts.unanswerable == 1
    pl.DataFrame({"question": ["a", "b"], "answer": [float("nan"), 2021.0]}).write_parquet(path)
    assert [row["answer"] for row in rows(opened(path))] == [None, "2021"]


# Spans and hygiene


@pytest.mark.parametrize(
    ("answer", "start", "expected"),
    [
        ("Bern", 13, (13, "source")),
        ("Bern", 12, (13, "exact")),
        ("Bern", -25, (13, "exact")),
        ("lives", 4, (4, "source")),
        ("lives", 5, (None, None)),
        ("Chur", 0, (None, None)),
    ],
)
def test_spans_are_checked(answer: str, start: int, expected: tuple[int | None, str]) -> None:
    assert place_answer(answer, PASSAGE, start) == expected


@given(
    st.text(" \ufeff\n\x00a\ud800é😀", max_size=8),
    st.text(" \x85b😀", max_size=5),
    st.text(" \t\x1fc", max_size=8),
)
def test_spans_survive_stripping_and_repair(before: str, answer: str, after: str) -> None:
    passage = f"{before}x{answer}y{after}"
    record = {"question": "q", "context": passage, "answer": answer, "start": len(before) + 1}
    layout = find_layout([record], {"answer_start": "start"}, "eng_Latn", "")
    (example,) = read_examples(record, layout)
    assert example.passage is not None
    example.passage.encode("utf-8")
    if example.answer is None:
        assert not answer.strip(" \x85")
        assert example.answer_start is None
    else:
        assert example.answer_method == "source"
        assert example.answer_start is not None
        # what follows the span is what followed it before
        end = example.answer_start + len(example.answer)
        assert example.passage[example.answer_start : end] == example.answer
        assert "x" in example.passage[: example.answer_start]
        assert "y" in example.passage[end:]


def test_sentence_breaks_move_with_the_passage(tmp_path: Path) -> None:
    record = {"question": "q", "context": "\ufeff One. Two. ", "sentence_breaks": [[1, 6], [7, 12]]}
    row = only(tmp_path / "a.jsonl", record)
    assert row["passage"] == "One. Two."
    assert [row["passage"][a:b] for a, b in row["sentence_breaks"]] == ["One.", "Two."]
    for wrong in ([[0, 5], [3, 9]], [[0, "5"]], [3, 4], "x", [[5, 2]], []):
        assert (
            only(tmp_path / "a.jsonl", record | {"sentence_breaks": wrong})["sentence_breaks"]
            is None
        )


def test_what_utf8_cannot_hold_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(rb'{"question": "a\ud800b\u0000c\td \ud83d\ude00?", "answer": "fine"}')
    source = opened(path)
    assert rows(source)[0]["question"] == "a\ufffdb c\td 😀?"
    assert source.counts.repaired == 1


# Ids


def test_duplicates_and_ids_with_two_meanings(tmp_path: Path) -> None:
    records = [
        {"id": "1", "question": "a", "answer": "x"},
        {"id": "1", "question": "b", "answer": "y"},
        {"id": "1", "question": " a", "answer": "x "},
        {"id": "2", "question": "a", "answer": "x"},
        {"question": "a", "answer": "x"},
        {"question": "a", "answer": "x"},
    ]
    source = opened(lines(tmp_path / "a.jsonl", records))
    made = text_id("q", "a", "x", None)
    suffix = text_id("", "a", "x", None), text_id("", "b", "y", None)
    assert [row["qa_id"] for row in rows(source)] == [f"1-{suffix[0]}", f"1-{suffix[1]}", "2", made]
    counts = source.counts
    assert (counts.kept, counts.duplicates, counts.renamed, counts.without_id) == (4, 2, 2, 2)
    assert source.total == 4


RECORDS = st.lists(
    st.fixed_dictionaries(
        {"question": st.sampled_from("abc"), "answer": st.sampled_from("xy")},
        optional={"id": st.sampled_from(["1", "2"]), "context": st.sampled_from("PQ")},
    ),
    min_size=1,
    max_size=12,
)


@given(RECORDS, st.data())
def test_ids_do_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("order")
    shuffled = data.draw(st.permutations(records))
    made = []
    for name, some in (("a", records), ("b", shuffled)):
        table = rows(opened(lines(folder / f"{name}.jsonl", some)), size=3)
        keys = ("qa_id", "passage_id", "question", "answer", "passage")
        made.append({tuple(row[key] for key in keys) for row in table})
        assert len({row["qa_id"] for row in table}) == len(table)
    assert made[0] == made[1]
    # the oracle: different (id, texts), where rows without an id count by their texts alone
    fields = ("id", "question", "answer", "context")
    assert len(made[0]) == len({tuple(record.get(key) for key in fields) for record in records})


# Frames


@pytest.mark.parametrize(("size", "heights"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (9, [7])])
def test_frames_have_the_size_asked_for(tmp_path: Path, size: int, heights: list[int]) -> None:
    path = lines(tmp_path / "a.jsonl", [{"question": f"q{i // 2}"} for i in range(14)])
    source = opened(path)
    frames = list(source.frames(size))
    assert [frame.height for frame in frames] == heights
    assert all(frame.schema == CORPUS for frame in frames)
    assert pl.concat(frames)["question"].to_list() == [f"q{i}" for i in range(7)]
    assert pl.concat(frames).equals(pl.concat(source.frames(size)))


def test_the_limit_counts_rows_of_the_outcome(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"question": f"q{i // 2}"} for i in range(14)])
    source = opened(path, limit=3)
    assert [row["question"] for row in rows(source)] == ["q0", "q1", "q2"]
    assert source.total == source.counts.kept == 3
    assert opened(path, limit=99).total == 7


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"question": "a"}, {"question": "b"}])
    source = opened(path)
    lines(path, [{"question": "a"}])
    with pytest.raises(SourceError, match="it has changed"):
        rows(source)


def test_memory_is_bounded(tmp_path: Path) -> None:
    count = 5_000
    path = lines(tmp_path / "a.jsonl", [{"id": i, "question": f"{i} " * 500} for i in range(count)])
    opened(lines(tmp_path / "b.jsonl", [{"question": "a"}]))  # imports
    tracemalloc.start()
    source = opened(path)
    for frame in source.frames(100):
        assert frame.height == 100
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 4


# Folders, names, settings


def test_a_folder_is_read_in_order_of_names(tmp_path: Path) -> None:
    lines(tmp_path / "b.jsonl", [{"question": "b"}])
    (tmp_path / "a.csv").write_text("Question;Answer\na;x\n")
    zipped = gzip.compress(b'[{"prompt": "c"}, {"prompt": "b"}]')
    (tmp_path / "c.json.gz").write_bytes(zipped)
    (tmp_path / "README.md").write_text("# no data")
    (tmp_path / ".hidden.json").write_text("{")
    (tmp_path / "d.jsonl").write_text("")
    source = opened(tmp_path)
    assert [(row["question"], row["source_row"]) for row in rows(source)] == [
        ("a", "a.csv:2"), ("b", "b.jsonl:1"), ("c", "c.json.gz:0"),
    ]  # fmt: skip
    assert source.counts.duplicates == 1
    assert source.name == f"{tmp_path.name}@{source.digest[:12]}"
    before = source.digest
    (tmp_path / "b.jsonl").rename(tmp_path / "e.jsonl")
    assert opened(tmp_path).digest != before


def test_the_digest_follows_the_contents(tmp_path: Path) -> None:
    one = opened(lines(tmp_path / "a.jsonl", [{"question": "a"}]))
    two = opened(lines(tmp_path / "b.jsonl", [{"question": "a"}]))
    other = opened(lines(tmp_path / "a.jsonl", [{"question": "b"}]))
    assert one.digest == two.digest != other.digest


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"source": "missing.json"}, "expected an existing path or a Hub id"),
        ({"source": "data/missing.jsonl.gz"}, "expected an existing path or a Hub id"),
        ({"source": "squad"}, "rajpurkar/squad"),
        ({"source": "folder"}, "expected data files"),
        ({"source": "notes.txt"}, "expected one of .json"),
        ({"source": "empty.jsonl"}, "expected at least one question in empty.jsonl"),
        ({"source": "blank.csv"}, "read 2, kept 0, blank 1, without question 1"),
        ({"source": "other.csv"}, "found columns frage, antwort in other.csv"),
        ({"source": "other.csv", "columns": {"question": "fraeg"}}, "did you mean 'frage'?"),
        ({"source": "deep.jsonl", "columns": {"answer": "answers.txt.0"}}, "answers.text"),
        ({"source": "parallel"}, "deu_Latn, eng_Latn"),
    ],
)
def test_mistakes_get_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "parallel"):
        Path(folder).mkdir()
    Path("notes.txt").write_text("Who?")
    Path("empty.jsonl").write_text("\n")
    Path("blank.csv").write_text("question,answer\n,\n,x\n")
    Path("other.csv").write_text("frage,antwort\na,b\n")
    lines(Path("deep.jsonl"), [{"question": "a", "answers": {"text": ["x"]}}])
    for code in ("en", "de"):
        lines(Path(f"parallel/{code}.json"), [{"id": "1", "question": code}])
    with pytest.raises(SourceError) as caught:
        open_source(SourceSettings(**settings))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_are_checked() -> None:
    assert SourceSettings(source="a", source_language="sw").source_language == "swh_Latn"
    with pytest.raises(LanguageError):
        SourceSettings(source="a", source_language="klingon")
    with pytest.raises(SourceError, match="found 'quesion'"):
        SourceSettings(source="a", columns={"quesion": "q"})
    for wrong in ({"limit": 0}, {"sauce": "a"}, {"source": ""}):
        with pytest.raises(ValidationError):
            SourceSettings(**({"source": "a"} | wrong))


# The Hub


class FakeHub:
    """Stands for huggingface_hub.HfApi and datasets.load_dataset."""

    def __init__(self, records: list[dict[str, Any]], card: dict[str, Any]) -> None:
        self.records, self.card = records, card
        self.asked: list[Any] = []
        self.error: Exception | None = None

    def dataset_info(self, repo: str, revision: str | None = None) -> Any:
        from huggingface_hub.hf_api import DatasetInfo

        self.asked.append((repo, revision))
        if self.error:
            raise self.error
        return DatasetInfo(id=repo, sha="c0ffee", cardData=self.card)  # type: ignore[no-untyped-call]

    def load_dataset(self, repo: str, **options: Any) -> Any:
        import datasets

        self.asked.append((repo, options))
        if options["split"] != "train":
            raise ValueError('Unknown split "dev". Should be one of ["train"].')

        def generate() -> Iterator[dict[str, Any]]:
            yield from self.records

        return datasets.IterableDataset.from_generator(generate)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    import datasets
    import huggingface_hub

    answers = {"text": ["Bern"], "answer_start": [13]}
    record = {"id": "1", "context": PASSAGE, "question": "Where?", "answers": answers}
    fake = FakeHub([record, record | {"id": "2", "question": "Where now?"}], {"license": "mit"})
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    monkeypatch.setattr(datasets, "load_dataset", fake.load_dataset)
    return fake


def test_a_hub_data_set_is_streamed_at_its_commit(hub: FakeHub) -> None:
    source = open_source(SourceSettings(source="org/name", revision="v1", config="c"))
    assert (source.name, source.digest, source.total) == ("org/name@c0ffee", "c0ffee", 2)
    table = rows(source)
    assert [(row["qa_id"], row["source_row"]) for row in table] == [
        ("1", "train:0"),
        ("2", "train:1"),
    ]
    assert {row["license"] for row in table} == {"mit"}
    assert {row["answer_start"] for row in table} == {13}
    assert hub.asked[0] == ("org/name", "v1")
    options = {"name": "c", "split": "train", "revision": "c0ffee", "streaming": True}
    assert hub.asked[1] == ("org/name", options)


def test_licences_of_the_hub(hub: FakeHub) -> None:
    hub.card = {"license": ["mit", "cc0-1.0"]}
    assert open_source(SourceSettings(source="org/name")).license == "mit, cc0-1.0"
    assert open_source(SourceSettings(source="org/name", license="CC")).license == "CC"
    hub.card = {}
    assert open_source(SourceSettings(source="org/name")).license is None


def test_trouble_with_the_hub(hub: FakeHub) -> None:
    from huggingface_hub import errors

    class ConnectError(Exception):
        """As httpx and httpx2 have it: no OSError."""

    with pytest.raises(SourceError, match=r"Unknown split .* one of"):
        open_source(SourceSettings(source="org/name", split="dev"))

    def answered(kind: type[Exception]) -> Exception:
        error = kind.__new__(kind)
        Exception.__init__(error, "reason")
        return error

    for error, words in (
        (answered(errors.GatedRepoError), "hf auth login"),
        (answered(errors.RepositoryNotFoundError), "found neither"),
        (answered(errors.RevisionNotFoundError), "no such revision"),
        (ConnectError("no route"), "check the network"),
        (OSError("no route"), "check the network"),
        (RuntimeError("Dataset scripts are no longer supported"), "refs/convert/parquet"),
    ):
        hub.error = error
        with pytest.raises(QAParallelError, match=words):
            open_source(SourceSettings(source="org/name"))


# Real data


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "language", "kept", "passages"),
    [
        ("xquad-r/en.json", "en", 1190, 240),
        ("tydiqa-goldp/en.train.json", "en", 3696, 3429),
        ("tydiqa-goldp/ko.train.json", "ko", 1625, None),
        ("tydiqa-goldp/sw.train.json", "sw", 2755, None),
        ("mlqa-dev/de.json", "de", 512, 456),
        ("nq-qed/train.jsonl", "en", 7167, None),
        ("afriqa/hau.en.train.json", "en", 225, None),
        ("afriqa/twi.en.train.json", "en", 367, None),
    ],
)
def test_real_counts(
    realdata: Path, name: str, language: str, kept: int, passages: int | None
) -> None:
    source = opened(realdata / name, source_language=language)
    frame = pl.concat(source.frames(1000))
    assert source.total == frame.height == frame["qa_id"].n_unique() == kept
    assert passages is None or frame["passage_id"].n_unique() == passages
    for answer, passage, start in frame.select("answer", "passage", "answer_start").iter_rows():
        assert start is None or passage[start : start + len(answer)] == answer
    if "afriqa" not in name:  # these spans are right in the source, but for answers without text
        placed = frame.filter(pl.col("answer").is_not_null())["answer_method"]
        assert set(placed) == {"source"}


@pytest.mark.realdata
def test_real_questions_without_ids(realdata: Path) -> None:
    path = realdata / "squad-questions" / "squad-v1.1-dev-questions.jsonl"
    pairs = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    distinct = {(pair["question"].strip(), pair["answer"][0].strip()) for pair in pairs}
    source = opened(path)
    assert (source.counts.read, source.total) == (10570, len(distinct))
    assert source.total == 10548


@pytest.mark.realdata
def test_real_sentence_breaks(realdata: Path) -> None:
    path = realdata / "xquad-r" / "es.json"  # paragraphs that begin with a byte order mark
    data = json.loads(path.read_text("utf-8"))["data"]
    expected = {
        question["id"]: [sentence.strip(" \n\ufeff") for sentence in paragraph["sentences"]]
        for article in data
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }
    for row in rows(opened(path, source_language="es")):
        texts = [row["passage"][start:end].strip() for start, end in row["sentence_breaks"]]
        assert texts == expected[row["qa_id"]]


# What a hostile or unlucky file holds


def test_a_column_that_begins_late_is_not_lost(tmp_path: Path) -> None:
    early = [{"id": str(number), "question": f"q{number}?"} for number in range(150)]
    late = [{"id": "x", "question": "Where?", "answer": "Bern", "passage": PASSAGE}]
    found = rows(opened(lines(tmp_path / "a.jsonl", early + late)), size=1000)
    assert [row["answer"] for row in found] == [None] * 150 + ["Bern"]
    unanswerable = [{"id": "y", "question": "Who?", "is_impossible": True}]
    source = opened(lines(tmp_path / "b.jsonl", early + unanswerable))
    assert (source.counts.kept, source.counts.unanswerable) == (150, 1)


@pytest.mark.parametrize(
    "passages",
    [
        {"is_selected": None, "passage_text": ["a"]},
        {"is_selected": [1], "passage_text": [5]},
        {"is_selected": [1], "passage_text": None},
        {"is_selected": []},
    ],
)
def test_ms_marco_with_holes(passages: dict[str, Any], tmp_path: Path) -> None:
    found = only(tmp_path / "a.jsonl", {"query": "who?", "answers": ["x"], "passages": passages})
    assert found["question"] == "who?"


def test_parquet_with_text_that_is_no_utf8(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffers = pa.array([b"ok", b"caf\xe9"]).buffers()
    broken = pa.Array.from_buffers(pa.string(), 2, buffers)
    pq.write_table(pa.table({"question": broken}), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"expected a parquet file, found .*unreadable at row"):
        opened(tmp_path / "a.parquet")


def test_csv_with_carriage_returns_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"question,answer\rWho?,He.\r")
    assert [row["answer"] for row in rows(opened(tmp_path / "a.csv"))] == ["He."]


@pytest.mark.parametrize("split", ["../x", "dev-1", "a b", "", ".x"])
def test_splits_that_no_folder_could_hold(split: str, tmp_path: Path) -> None:
    with pytest.raises((SourceError, ValidationError)):
        SourceSettings(source="x", split=split)
    assert SourceSettings(source="x", split="no.1").split == "no.1"
