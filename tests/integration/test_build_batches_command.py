"""`qa-parallel build-batches` end to end, and the plan as a trainer reads it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from qa_parallel.batches.export import in_plan_order
from qa_parallel.batches.plan import Batch, Plan, open_plan
from qa_parallel.cli import main
from qa_parallel.errors import SourceError, StoreError
from qa_parallel.schema import BATCHES
from qa_parallel.storage import store
from qa_parallel.storage.corpus import read_corpus
from tests.chaos.kill import digests
from tests.small_corpora import corpus_folder, corpus_frame, parallel

CODES = ("eng_Latn", "deu_Latn", "zho_Hans")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["build-batches", *map(str, arguments)])


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return corpus_folder(tmp_path / "corpus", corpus_frame(parallel(60, CODES, per_passage=2)))


def made(corpus: Path, out: Path, *options: object) -> str:
    result = run(corpus, "--out", out, "--batch-size", 6, "--validation", 0.1, *options)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_plan_holds_the_texts_of_its_corpus(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan"
    output = made(corpus, out, "--strategy", "hybrid", "--positive", "answer")
    assert "question \\ passage" in output
    assert (out / "languages.svg").read_bytes().startswith(b"<?xml")
    rows = {(row["qa_id"], row["language"]): row for row in read_corpus(corpus).to_dicts()}
    table = pl.read_parquet(out / "data" / "train-*.parquet")
    assert table.schema == BATCHES
    plan = open_plan(out)
    assert len(plan) == 27 == store.read_json(out / "manifest.json")["steps"]["train"]
    for step in (13, 0, 26):
        batch, slots = plan[step], table.filter(step=step).to_dicts()
        assert len(batch) == len(slots) == plan.size(step)
        for place, slot in enumerate(slots):
            asked = rows[slot["qa_id"], slot["question_language"]]
            found = rows[slot["qa_id"], slot["passage_language"]]
            assert batch.questions[place] == asked["question"]
            assert batch.positives[place] == found["answer"]
            assert batch.qa_ids[place] == slot["qa_id"]
            assert batch.passage_ids[place] == found["passage_id"]
            assert batch.question_languages[place] == asked["language"]
            assert batch.passage_languages[place] == found["language"]
    with pytest.raises(IndexError):
        plan[27]
    kept = open_plan(out, "validation")
    assert sum(map(len, kept)) == 2 * 18
    assert not {one for batch in kept for one in batch.passage_ids} & {
        one for batch in plan for one in batch.passage_ids
    }


def read(plan: Plan, steps: Sequence[int]) -> list[Batch]:
    return [plan[step] for step in steps]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_the_same_steps(corpus: Path, tmp_path: Path, method: str) -> None:
    made(corpus, tmp_path / "plan", "--negatives", "bm25")
    plan = open_plan(tmp_path / "plan")
    whole = list(plan)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        steps = [range(worker, len(plan), 2) for worker in range(2)]
        found = list(pool.map(read, [plan, plan], steps))
    assert [found[step % 2][step // 2] for step in range(len(plan))] == whole


def in_sentences(row: dict[str, Any]) -> dict[str, Any]:
    """A passage of four sentences; one stands in all passages and answers every fifth question.

    It is written in two ways.
    """
    number = int(row["qa_id"][1:])
    texts = [f"{row['qa_id']} {row['language']} {place}." for place in range(4)]
    texts[number % 4] = ("The same.", "the SAME!")[number % 2]
    answer = (number + (number % 5 > 0)) % 4
    starts = [sum(len(one) + 1 for one in texts[:place]) for place in range(4)]
    breaks = [[start, start + len(one)] for start, one in zip(starts, texts, strict=True)]
    sentences = {"sentence_breaks": breaks, "answer_sentences": [answer]}
    return {**row, "passage": " ".join(texts), "answer": texts[answer].strip(".!"), **sentences}


def plain(texts: Iterable[str]) -> set[str]:
    return {text.lower().rstrip(".!") for text in texts}


def test_other_sentences_of_the_passage_are_negatives(tmp_path: Path) -> None:
    rows = [in_sentences(row) for row in parallel(60, CODES[:2])]
    by_key = {(row["qa_id"], row["language"]): row for row in rows}
    corpus = corpus_folder(tmp_path / "corpus", corpus_frame(rows))
    options = ["--negatives", "sentences", "--negatives-per-row", 2, "--epochs", 4]
    made(corpus, tmp_path / "plan", *options)
    assert store.read_json(tmp_path / "plan" / "report.json")["train"]["negatives"] is None
    plan = open_plan(tmp_path / "plan")
    drawn: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    shared, languages = 0, set()
    for batch in plan:
        slots = zip(batch.qa_ids, batch.passage_languages, strict=True)
        answers = {by_key[slot]["answer"].lower() for slot in slots}
        for place, wrong in enumerate(batch.negatives):
            key = batch.qa_ids[place], batch.passage_languages[place]
            asked = by_key[batch.qa_ids[place], batch.question_languages[place]]
            texts: set[str] = set()
            for row in (asked, by_key[key]):
                cut = [row["passage"][start:end] for start, end in row["sentence_breaks"]]
                right = cut.pop(row["answer_sentences"][0])
                texts |= set(cut)
            assert batch.positives[place] == right
            assert len(wrong) == 2
            assert set(wrong) <= texts
            assert not plain(wrong) & plain(batch.positives)
            assert not any(answer in one for answer in answers for one in plain(wrong))
            if asked is not by_key[key]:
                mine = plain(wrong) - {"the same"}
                languages |= {batch.question_languages[place].lower() in one for one in mine}
            shared += "the same" in plain(wrong)
            drawn.setdefault(key, set()).add(tuple(wrong))
    assert shared > 0
    assert languages == {True, False}, "of one language alone"
    assert max(map(len, drawn.values())) > 1, "the same sentences each time"
    assert list(open_plan(tmp_path / "plan")) == list(plan)
    refused = run(corpus, "--out", tmp_path / "no", *options, "--positive", "passage")
    assert refused.exit_code == 2
    assert "expected --negatives sentences with --positive sentence" in refused.output


def test_the_same_command_the_same_files(corpus: Path, tmp_path: Path) -> None:
    options = ["--negatives", "bm25", "--export", "sentence-transformers"]
    made(corpus, tmp_path / "one", *options)
    made(corpus, tmp_path / "two", *options)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    before = digests(tmp_path / "one")
    assert "complete already" in made(corpus, tmp_path / "one", *options)
    assert digests(tmp_path / "one") == before
    refused = run(corpus, "--out", tmp_path / "one", "--seed", 1)
    assert refused.exit_code == 2
    assert "was made with other settings" in refused.output
    made(corpus, tmp_path / "one", "--seed", 1, "--overwrite")
    assert not (tmp_path / "one" / "sentence-transformers").exists()
    assert [b.qa_ids for b in open_plan(tmp_path / "one")] != [
        b.qa_ids for b in open_plan(tmp_path / "two")
    ]


def test_several_corpora_and_where_they_moved(corpus: Path, tmp_path: Path) -> None:
    other = corpus_folder(tmp_path / "b", corpus_frame(parallel(40, CODES[:2], prefix="r")))
    out = tmp_path / "plan"
    result = run(corpus, other, "--out", out, "--batch-size", 5, "--source-weights", "uniform")
    assert result.exit_code == 0, result.output
    plan = open_plan(out)
    assert {one for batch in plan for one in batch.corpora} == {0, 1}
    assert "r1" in {one for batch in plan for one in batch.qa_ids}
    whole = list(plan)
    (tmp_path / "elsewhere").mkdir()
    places = [corpus.rename(tmp_path / "elsewhere" / "c"), other.rename(tmp_path / "elsewhere/d")]
    assert list(open_plan(out, corpora=places)) == whole
    with pytest.raises(StoreError, match="found 1"):
        open_plan(out, corpora=places[:1])
    with pytest.raises(StoreError, match=r"expected the corpus .* \(corpus@"):
        open_plan(out, corpora=places[::-1])
    twice = run(places[0], places[0], "--out", tmp_path / "twice")
    assert (twice.exit_code, "twice; --source-weights" in twice.output) == (2, True)


def test_a_corpus_that_changed(corpus: Path, tmp_path: Path) -> None:
    made(corpus, tmp_path / "plan")
    rows = read_corpus(corpus)
    store.remove(corpus)
    corpus_folder(corpus, rows.with_columns(question=pl.col("question") + "?"))
    with pytest.raises(StoreError, match=r"expected the corpus that the plan .* was made from"):
        open_plan(tmp_path / "plan")
    result = run(corpus, "--out", tmp_path / "plan", "--batch-size", 6, "--validation", 0.1)
    assert result.exit_code == 2
    assert "other settings (corpora" in result.output


def test_folders_that_are_no_plans(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan"
    made(corpus, out)
    with pytest.raises(StoreError, match=r"found corpus of version"):
        open_plan(corpus)
    next(out.glob("data/train-*")).write_bytes(b"cut")
    with pytest.raises(StoreError, match="missing or cut short"):
        open_plan(out)
    made(corpus, out)  # made again
    (out / "manifest.json").unlink()
    with pytest.raises(StoreError, match="half-written"):
        open_plan(out)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch-size", 61], "expected at least 61 distinct"),
        (["--languages", "en", "--strategy", "cross-lingual"], "expected two languages or more"),
        (["--pairs", "en:fr"], "expected pairs of the corpus's languages"),
        (["--steps", 2, "--epochs", 1], "expected steps or epochs, found both"),
        (["--language-weights", "big"], "uniform, size or size:EXPONENT, found 'big'"),
        (["--alpha", 1.5], "alpha = 1.5"),
    ],
)
def test_mistakes(corpus: Path, tmp_path: Path, options: list[object], message: str) -> None:
    result = run(corpus, "--out", tmp_path / "plan", *options)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    made(corpus, tmp_path / "plan")  # the folder is free for the next try


def test_a_pair_without_rows(tmp_path: Path) -> None:
    rows = parallel(30, CODES[:2]) + parallel(30, CODES[2:], prefix="alone")
    corpus = corpus_folder(tmp_path / "corpus", corpus_frame(rows))
    result = run(corpus, "--out", tmp_path / "plan", "--pairs", "en:zh", "--batch-size", 5)
    assert result.exit_code == 2
    assert "questions in eng_Latn with passages in zho_Hans, found none" in result.output


def test_a_source_is_a_corpus_too(tmp_path: Path) -> None:
    text = "".join(
        json.dumps(
            {"question": f"What is {n}?", "answer": f"It is {n}", "context": f"It is {n}. No."}
        )
        + "\n"
        for n in range(40)
    )
    (tmp_path / "faq.jsonl").write_text(text)
    out = tmp_path / "plan"
    made(tmp_path / "faq.jsonl", out, "--strategy", "monolingual")
    batch = open_plan(out)[0]
    assert all(text.startswith("It is") and text.endswith(".") for text in batch.positives)
    assert all("No" not in text for text in batch.positives)


@pytest.fixture(scope="module")
def sentence_encoder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random encoder of one layer, as sentence-transformers has it."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    letters = {chr(code): place + 4 for place, code in enumerate(range(32, 127))}
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3} | letters
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call,unused-ignore]
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=64,
    )  # fmt: skip
    fast.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    word = Transformer(str(folder))
    return sentence_transformers.SentenceTransformer(modules=[word, Pooling(16)], device="cpu")


def test_sentence_transformers_trains_in_the_plans_order(
    corpus: Path, tmp_path: Path, sentence_encoder: Any
) -> None:
    from datasets import load_dataset
    from sentence_transformers import (
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    out = tmp_path / "plan"
    made(corpus, out, "--export", "sentence-transformers", "--negatives", "bm25")
    plan, kept = open_plan(out), open_plan(out, "validation")
    data = load_dataset(str(out / "sentence-transformers"), cache_dir=str(tmp_path / "cache"))
    assert data["train"].column_names == ["anchor", "positive", "negative_1"]
    seen: list[dict[str, Any]] = []

    class Watching(SentenceTransformerTrainer):  # type: ignore[misc,unused-ignore]
        def get_data_collator(self, *args: Any, **kwargs: Any) -> Any:
            collate = super().get_data_collator(*args, **kwargs)

            def watched(features: list[dict[str, Any]]) -> Any:
                seen.append({name: [row[name] for row in features] for name in features[0]})
                return collate(features)

            for name in ("valid_label_columns", "preprocess_fn", "tokenize_fn"):
                if hasattr(collate, name):
                    setattr(watched, name, getattr(collate, name))
            return watched

    trainer = Watching(
        model=sentence_encoder,
        args=SentenceTransformerTrainingArguments(
            str(tmp_path / "trained"),
            max_steps=3,
            per_device_train_batch_size=2,  # the plan's sizes count, not this
            batch_sampler=in_plan_order(out),
            report_to=[],
            save_strategy="no",
            use_cpu=True,
        ),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        loss=MultipleNegativesRankingLoss(sentence_encoder),
    )
    done = trainer.train()
    assert done.global_step == 3
    assert done.training_loss > 0
    for step in range(3):
        assert seen[step]["anchor"] == plan[step].questions
        assert seen[step]["positive"] == plan[step].positives
        texts = [one[0] for one in plan[step].negatives if one]
        assert set(seen[step]["negative_1"]) == set(texts)
    seen.clear()
    trainer.evaluate()
    assert [batch["anchor"] for batch in seen] == [batch.questions for batch in kept]
    with pytest.raises(SourceError, match="expected the rows of the plan"):
        in_plan_order(out)(data["train"].select(range(5)), 2)
