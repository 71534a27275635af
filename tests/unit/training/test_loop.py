"""The trainer: its loss, its gradients, its checkpoints, and that it learns."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.encoders.encoder import Encoder, load_encoder
from qa_parallel.errors import StoreError, TrainingError
from qa_parallel.training import checkpoint, loop
from qa_parallel.training.checkpoint import Record
from qa_parallel.training.loop import train
from qa_parallel.training.objectives import cache_step, info_nce, plain_step
from qa_parallel.training.settings import TrainSettings, factor
from qa_parallel.training.texts import _CHUNK_COST, ahead, cut, tokenize, unknown_shares
from qa_parallel.training.validation import reserved_task, validate
from tests.tiny_models import SENTENCES

torch: Any = pytest.importorskip("torch")
pytest.importorskip("accelerate")

WORDS = sorted({word for text in SENTENCES for word in text.split()} - {"猫坐在垫子上。"})


@dataclass(frozen=True)
class Step:
    questions: list[str]
    positives: list[str]
    negatives: list[list[str]]
    question_languages: list[str] = field(default_factory=list)
    passage_languages: list[str] = field(default_factory=list)


def steps(count: int, rows: int = 6, negatives: int = 0) -> list[Step]:
    """A question is some words; what it is to find holds the same ones in another order."""
    dice = random.Random(0)

    def row() -> tuple[str, str]:
        words = dice.sample(WORDS, 3)
        return " ".join(words), " ".join([*reversed(words), *dice.sample(WORDS, dice.randrange(4))])

    made = []
    for _ in range(count):
        questions, positives = zip(*(row() for _ in range(rows)), strict=True)
        wrong = [[row()[1] for _ in range(negatives)] for _ in range(rows)]
        codes = [("eng_Latn", "fra_Latn")[n % 2] for n in range(rows)]
        made.append(Step(list(questions), list(positives), wrong, codes, codes))
    return made


def weights(encoder: Encoder) -> dict[str, Any]:
    return {name: one.detach().clone() for name, one in checkpoint.trained(encoder)}


def flat(gradient: Any) -> Any:
    return gradient.flatten()


@pytest.mark.parametrize("both", [False, True])
def test_loss_by_hand(both: bool) -> None:
    vectors = np.random.default_rng(0).standard_normal((8, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = []
    for n in range(3):  # three questions, three positives, two negatives
        scores = [math.exp(float(vectors[n] @ vectors[m]) / 0.1) for m in range(3, 8)]
        expected.append(-math.log(scores[n] / sum(scores)))
    if both:
        for n in range(3):
            scores = [math.exp(float(vectors[3 + n] @ vectors[m]) / 0.1) for m in range(3)]
            expected.append(-math.log(scores[n] / sum(scores)))
    found = info_nce(torch.tensor(vectors), 3, 0.1, both)
    assert found.item() == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_cached_gradients_are_the_plain_ones(tiny_bert: Path, size: int, both: bool) -> None:
    """With dropout: each chunk throws the same dice whenever it is computed."""
    (batch,) = steps(1, negatives=2)
    found = []
    for descend in (plain_step, cache_step):
        encoder = load_encoder(tiny_bert)
        encoder.model.train()
        texts = tokenize(batch, encoder, size)

        def encode(chunk: int, encoder: Any = encoder, texts: Any = texts) -> Any:
            torch.manual_seed(chunk)
            return encoder.vectors(encoder.pad(texts.chunks[chunk]))

        def loss(vectors: Any, places: list[int] = texts.places) -> Any:
            return info_nce(vectors[places], 6, 0.05, both)

        value = descend(encode, len(texts.chunks), loss)
        gradients = torch.cat([flat(one.grad) for _, one in checkpoint.trained(encoder)])
        found.append((value, gradients))
    (ours, mine), (theirs, yours) = found
    assert ours.item() == pytest.approx(theirs.item())
    assert mine.norm() > 0.1
    assert (mine - yours).norm() / mine.norm() < 1e-5


def test_chunks_change_nothing_but_the_padding(tiny_bert: Path) -> None:
    encoder = load_encoder(tiny_bert)
    (batch,) = steps(1, negatives=2)
    whole = encoder([*batch.questions, *batch.positives, *itertools.chain(*batch.negatives)])
    for size in (1, 5, 100):
        texts = tokenize(batch, encoder, size)
        with torch.no_grad():
            parts = [encoder.vectors(encoder.pad(chunk)) for chunk in texts.chunks]
        np.testing.assert_allclose(torch.cat(parts)[texts.places], whole, atol=1e-5)
    assert (texts.rows, texts.negatives) == (6, 12)


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=8), size=st.integers(1, 9))
def test_no_cut_into_chunks_costs_less(lengths: list[int], size: int) -> None:
    lengths = sorted(lengths)
    inner = range(1, len(lengths))
    every = (
        [*places, len(lengths)]
        for count in range(len(lengths))
        for places in itertools.combinations(inner, count)
    )

    def cost(ends: list[int]) -> int:
        parts = itertools.pairwise([0, *ends])
        return sum((end - start) * lengths[end - 1] + _CHUNK_COST for start, end in parts)

    def fits(ends: list[int]) -> bool:
        return all(end - start <= size for start, end in itertools.pairwise([0, *ends]))

    ends = cut(lengths, size)
    assert fits(ends)
    assert cost(ends) == min(cost(one) for one in every if fits(one))


def test_steps_come_in_order_each_once(tiny_bert: Path) -> None:
    encoder, batches = load_encoder(tiny_bert), steps(5)
    found = list(ahead(batches, range(1, 5), encoder, 4))
    assert [step for step, _ in found] == [1, 2, 3, 4]
    assert [texts for _, texts in found] == [tokenize(one, encoder, 4) for one in batches[1:]]
    assert list(ahead(batches, range(5, 5), encoder, 4)) == []


def test_rate_rises_and_falls() -> None:
    found = [factor(step, 10, TrainSettings(warmup=0.2)) for step in range(10)]
    assert found == pytest.approx([0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    stays = [factor(step, 4, TrainSettings(warmup=0, schedule="constant")) for step in range(4)]
    assert stays == [1, 1, 1, 1]
    assert factor(3, 4, TrainSettings(warmup=1)) == 1


def test_dropout_is_on_unless_it_is_told_off(tiny_bert: Path, tmp_path: Path) -> None:
    def loss(dropout: bool, seed: int) -> float:
        settings = TrainSettings(dropout=dropout, seed=seed)
        home = tmp_path / f"{dropout}-{seed}"
        return train(load_encoder(tiny_bert), steps(1), settings, home, "plan").losses[0]

    assert loss(False, 0) == loss(False, 1)
    assert len({loss(False, 0), loss(True, 0), loss(True, 1)}) == 3


@pytest.mark.parametrize("cached", [None, 4])
def test_learns(tiny_bert: Path, tmp_path: Path, cached: int | None) -> None:
    encoder = load_encoder(tiny_bert)
    settings = TrainSettings(rate=1e-2, cached=cached)
    record = train(encoder, steps(5) * 10, settings, tmp_path, "plan")
    assert np.mean(record.losses[-5:]) < 0.6 * np.mean(record.losses[:5])
    assert record.negatives == 5
    again = load_encoder(tmp_path / loop.BEST)
    np.testing.assert_allclose(again(WORDS), encoder(WORDS), atol=1e-6)


def test_killed_and_resumed_is_unbroken(tiny_bert: Path, tmp_path: Path) -> None:
    """Losses, validations, weights and the best encoder, with dropout and hard negatives."""
    batches = steps(12, negatives=1)
    settings = TrainSettings(rate=1e-3, validate_every=2, cached=5)

    def run(home: Path, kill_at: int | None) -> tuple[Record, Encoder]:
        encoder = load_encoder(tiny_bert)

        def tell(record: Record, of: int) -> None:
            assert of == 12
            if record.step == kill_at:
                raise KeyboardInterrupt

        measure = lambda: float(encoder(WORDS).std())  # noqa: E731
        return train(encoder, batches, settings, home, "plan", measure, tell), encoder

    whole, encoder = run(tmp_path / "whole", None)
    for moment in (3, 4, 9):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "killed", moment)
    resumed, other = run(tmp_path / "killed", None)
    assert resumed.losses == whole.losses
    assert resumed.validations == whole.validations
    assert (resumed.rows, resumed.candidates) == (whole.rows, whole.candidates) == (72, 72 * 12)
    for name, one in weights(encoder).items():
        assert torch.equal(one, weights(other)[name]), name
    assert (
        load_encoder(tmp_path / "killed/best").digest
        == load_encoder(tmp_path / "whole/best").digest
    )
    finished, last = run(tmp_path / "killed", None)
    assert finished.losses == whole.losses
    assert torch.equal(*(next(iter(weights(one).values())) for one in (last, encoder)))


def test_the_best_is_kept_and_patience_ends_it(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tiny_bert)
    values = iter([0.9, 0.1, 0.5, 0.4, 0.4, 0.6])
    seen: dict[int, dict[str, Any]] = {}

    def measure() -> float:
        seen[len(seen)] = weights(encoder)
        return next(values)

    settings = TrainSettings(validate_every=2, patience=2)
    record = train(encoder, steps(20), settings, tmp_path, "plan", measure)
    assert record.validations == [(0, 0.9), (2, 0.1), (4, 0.5), (6, 0.4), (8, 0.4)]
    assert (record.step, record.best) == (8, 4)
    best = weights(load_encoder(tmp_path / loop.BEST))
    assert all(torch.equal(best[name], one) for name, one in seen[2].items())


def test_biases_and_norms_do_not_decay(tiny_bert: Path, tmp_path: Path) -> None:
    """After one step from the same gradients: matrices shrink, vectors are what they would be."""
    found = []
    for decay in (0.0, 10.0):
        encoder = load_encoder(tiny_bert)
        settings = TrainSettings(rate=1e-2, warmup=0, weight_decay=decay)
        train(encoder, steps(1), settings, tmp_path / str(decay), "plan")
        found.append(weights(encoder))
    kept, decayed = found
    for name, one in kept.items():
        if one.dim() > 1:
            assert decayed[name].norm() < 0.99 * one.norm(), name
        else:
            assert torch.equal(decayed[name], one), name


def test_steps_are_as_long_as_the_schedule_says(tiny_bert: Path, tmp_path: Path) -> None:
    """AdamW's first steps move a weight by the rate: in four steps, by the factors' sum."""
    encoder = load_encoder(tiny_bert)
    before = weights(encoder)
    settings = TrainSettings(rate=1e-3, warmup=0, weight_decay=0, dropout=False)
    train(encoder, steps(1) * 4, settings, tmp_path, "plan")
    moved = max((one - before[name]).abs().max() for name, one in weights(encoder).items())
    assert moved.item() == pytest.approx(1e-3 * (1 + 0.75 + 0.5 + 0.25), rel=0.02)


def test_dropout_is_off_while_validating(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tiny_bert)
    settings = TrainSettings(rate=1e-2, validate_every=1)
    seen: list[Any] = []

    def measure() -> float:
        seen.append(encoder(WORDS))
        return float(len(seen))

    record = train(encoder, steps(3), settings, tmp_path, "plan", measure)
    assert record.best == 3
    assert (seen[-1] == load_encoder(tmp_path / loop.BEST)(WORDS)).all()
    assert (seen[0] == load_encoder(tiny_bert)(WORDS)).all()


def test_frozen_embeddings_stay(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tiny_bert)
    before = encoder.model.get_input_embeddings().weight.detach().clone()
    names = {name for name, _ in checkpoint.trained(encoder)}
    train(encoder, steps(2), TrainSettings(freeze_embeddings=True), tmp_path, "plan")
    assert torch.equal(encoder.model.get_input_embeddings().weight, before)
    assert names - {name for name, _ in checkpoint.trained(encoder)} == {
        "body.embeddings.word_embeddings.weight"
    }


def test_torchs_dice_are_left_alone(tiny_bert: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    train(load_encoder(tiny_bert), steps(1), TrainSettings(), tmp_path, "plan")
    assert torch.equal(torch.get_rng_state(), before)


def test_checkpoint_of_another_plan(tiny_bert: Path, tmp_path: Path) -> None:
    train(load_encoder(tiny_bert), steps(2), TrainSettings(), tmp_path, "this")
    with pytest.raises(StoreError, match=r"expected a checkpoint of the plan that .* found one of"):
        train(load_encoder(tiny_bert), steps(2), TrainSettings(), tmp_path, "that")
    (tmp_path / checkpoint.FILE).write_bytes(b"no safetensors")
    with pytest.raises(StoreError, match="cannot read the checkpoint"):
        train(load_encoder(tiny_bert), steps(2), TrainSettings(), tmp_path, "this")


def test_a_loss_that_is_no_number(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, kept = load_encoder(tiny_bert), {}

    def tell(record: Record, of: int) -> None:
        if record.step == 3:
            kept["checkpoint"] = (tmp_path / checkpoint.FILE).read_bytes()
            with torch.no_grad():
                next(encoder.parameters()).fill_(math.inf)

    settings = TrainSettings(validate_every=2)
    with pytest.raises(TrainingError, match="finite loss and gradient at step 4, found NaN"):
        train(encoder, steps(6), settings, tmp_path, "plan", lambda: 0.0, tell)
    assert (tmp_path / checkpoint.FILE).read_bytes() == kept["checkpoint"]
    assert np.isfinite(load_encoder(tmp_path / loop.BEST)(WORDS)).all()


@pytest.mark.parametrize(
    ("cached", "hint"), [(None, "--cached 6"), (4, "--cached 2"), (1, "--max-length")]
)
def test_out_of_memory(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: int | None, hint: str
) -> None:
    def vectors(self: Encoder, batch: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(Encoder, "vectors", vectors)
    with pytest.raises(TrainingError, match=f"out of memory at step 1, with .*{hint}"):
        train(load_encoder(tiny_bert), steps(2), TrainSettings(cached=cached), tmp_path, "plan")


def test_more_steps_than_the_plan_has(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at least 3 steps, found 2"):
        train(load_encoder(tiny_bert), steps(2), TrainSettings(steps=3), tmp_path, "plan")


def test_bfloat16_keeps_weights_whole(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tiny_bert)
    settings = TrainSettings(rate=1e-2, precision="bfloat16")
    record = train(encoder, steps(5) * 10, settings, tmp_path, "plan")
    assert np.mean(record.losses[-5:]) < 0.6 * np.mean(record.losses[:5])
    assert {one.dtype for one in weights(encoder).values()} == {torch.float32}


def test_unknown_words_are_counted(tiny_bert: Path) -> None:
    batch = Step(
        ["The cat sat", "ገመድ"], ["A dog", "ገመድ ገመድ"], [[], []], ["eng", "amh"], ["eng", "amh"]
    )
    found = unknown_shares([batch], load_encoder(tiny_bert))
    assert found["eng"] == 0
    assert found["amh"] == 1


def reserved() -> pl.DataFrame:
    rows: list[tuple[int, str, str, str | None, str, list[str]]] = [
        (0, "a", "eng", "cat?", "The cat sat on the mat.", ["Dogs and cats are animals."]),
        (0, "a", "fra", "chat?", "Le chat est assis sur le tapis.", []),
        (0, "b", "eng", "dog?", "A dog ran in the park in 1999, didn't it?", []),
        (0, "b", "fra", None, "Un chien courait dans le parc.", []),
        (1, "a", "eng", "other?", "The cat sat on the mat.", ["Dogs and cats are animals."]),
    ]
    names = ["corpus", "qa_id", "language", "question", "positive"]
    return pl.DataFrame(rows, schema=[*names, ("others", pl.List(pl.String))], orient="row")


def test_each_side_is_validated_behind_its_own_prefix(tiny_bert: Path) -> None:
    task = reserved_task(reserved(), 10)
    assert task is not None
    encoder = load_encoder(tiny_bert)
    asked: list[tuple[list[str], str]] = []

    class Watched:
        query_prefix, passage_prefix = "query: ", "passage: "

        def __call__(self, texts: list[str], prefix: str) -> Any:
            asked.append((texts, prefix))
            return encoder(texts, prefix)

    watched: Any = Watched()
    validate(task, watched, "mrr")
    assert asked == [(task.questions, "query: "), (task.texts(titles=False), "passage: ")]


def test_validation_spans_languages(tiny_bert: Path) -> None:
    """By hand: each question's own sentences are ranked among the five distinct ones."""
    task = reserved_task(reserved(), 10)
    assert task is not None
    assert task.queries.height == 4
    assert task.candidates.height == 5
    encoder = load_encoder(tiny_bert)
    relevant = {"cat?": "The Le", "chat?": "The Le", "dog?": "A Un", "other?": "The"}
    texts = task.texts()
    by_language: dict[str, list[float]] = {}
    for question, language in task.queries.select("question", "language").iter_rows():
        scores = encoder([question])[0] @ encoder(texts).T
        ranked = [texts[n].split()[0] for n in np.argsort(-scores, kind="stable")]
        first = min(ranked.index(one) for one in relevant[question].split())
        by_language.setdefault(language, []).append(1 / (1 + first))
    expected = np.mean([np.mean(values) for values in by_language.values()])
    assert validate(task, encoder, "mrr") == pytest.approx(expected)


def test_validation_takes_the_same_questions_whatever_else_is_there() -> None:
    few, all_of_them = reserved_task(reserved(), 1), reserved_task(reserved(), 3)
    assert few is not None
    assert all_of_them is not None
    assert few.queries["qa_id"].n_unique() == 1
    assert set(few.queries["qa_id"]) < set(all_of_them.queries["qa_id"])
    assert reserved_task(reserved().clear(), 5) is None


def test_what_is_its_own_question_validates_nothing() -> None:
    echoes = reserved().with_columns(
        qa_id=pl.format("echo-{}", "qa_id"), question=pl.col("positive")
    )
    alone, beside = (
        reserved_task(reserved(), 10),
        reserved_task(pl.concat([echoes, reserved()]), 10),
    )
    assert alone is not None
    assert beside is not None
    assert beside.queries.equals(alone.queries)
    assert beside.candidates.equals(alone.candidates)
