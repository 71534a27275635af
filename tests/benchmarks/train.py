"""Rows a second of the trainer against that of sentence-transformers: same encoder, same batches.

    python tests/benchmarks/train.py CORPUS --encoder FOLDER

Both train by the same plan, once with plain and once with cached gradients, in rounds taken in
turn; every round starts from the encoder as it is in its folder. What counts is the time in steps,
without loading and saving.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click

from qa_parallel.batches.export import FOLDER, in_plan_order
from qa_parallel.batches.plan import open_plan
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.encoders.encoder import load_encoder
from qa_parallel.encoders.settings import EncoderSettings
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.training.loop import train
from qa_parallel.training.settings import TrainSettings


def ours(encoder: Path, plan: Path, settings: TrainSettings) -> float:
    """Seconds in the steps of a training."""
    loaded = load_encoder(encoder, EncoderSettings(max_length=settings.max_length))
    with tempfile.TemporaryDirectory() as home:
        return train(loaded, open_plan(plan), settings, Path(home), "benchmark").seconds


def theirs(encoder: Path, plan: Path, settings: TrainSettings, size: int) -> float:
    """The same, by the trainer of sentence-transformers."""
    import torch
    from datasets import load_dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer import losses

    # weights in float32, as ours are, whatever the folder holds
    model = SentenceTransformer(str(encoder), model_kwargs={"dtype": torch.float32})
    model.max_seq_length = settings.max_length
    if settings.freeze_embeddings:
        transformer: Any = model[0]
        transformer.auto_model.get_input_embeddings().requires_grad_(False)
    scale = 1 / settings.temperature
    loss: Any
    if settings.cached is None:
        loss = losses.MultipleNegativesRankingLoss(model, scale=scale)
    else:
        loss = losses.CachedMultipleNegativesRankingLoss(
            model, scale=scale, mini_batch_size=settings.cached
        )
    with tempfile.TemporaryDirectory() as home:
        data = load_dataset(str(plan / FOLDER), split="train", cache_dir=home)
        arguments = SentenceTransformerTrainingArguments(
            home,
            per_device_train_batch_size=size,
            num_train_epochs=1,
            learning_rate=settings.rate,
            weight_decay=settings.weight_decay,
            batch_sampler=in_plan_order(plan),
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            bf16=settings.precision == "bfloat16",
        )
        trainer = SentenceTransformerTrainer(model, arguments, train_dataset=data, loss=loss)
        return float(trainer.train().metrics["train_runtime"])


@click.command()
@click.argument("corpus")
@click.option("--encoder", type=click.Path(path_type=Path), required=True)
@click.option("--batch-size", default=32, show_default=True)
@click.option("--steps", default=8, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--cached", default=16, show_default=True, help="Texts at a time.")
@click.option("--max-length", default=192, show_default=True)
@click.option("--positive", default="sentence", show_default=True)
@click.option("--precision", default="float32", show_default=True)
@click.option("--freeze-embeddings", is_flag=True)
def main(
    corpus: str,
    encoder: Path,
    batch_size: int,
    steps: int,
    rounds: int,
    cached: int,
    max_length: int,
    positive: str,
    precision: str,
    freeze_embeddings: bool,
) -> None:
    """Compare both trainers on CORPUS."""
    values = {"max_length": max_length, "precision": precision}
    plain = TrainSettings.model_validate({**values, "freeze_embeddings": freeze_embeddings})
    small = plain.model_copy(update={"cached": cached})
    with tempfile.TemporaryDirectory() as home:
        plan = Path(home) / "plan"
        batches = BatchSettings.model_validate(
            {"batch_size": batch_size, "steps": steps, "positive": positive,
             "export": "sentence-transformers"}
        )  # fmt: skip
        build_batches([SourceSettings(source=corpus)], batches, plan)
        rows = sum(map(len, open_plan(plan)))
        runs: dict[str, Callable[[], float]] = {
            "plain: qa-parallel": lambda: ours(encoder, plan, plain),
            "plain: sentence-transformers": lambda: theirs(encoder, plan, plain, batch_size),
            "cached: qa-parallel": lambda: ours(encoder, plan, small),
            "cached: sentence-transformers": lambda: theirs(encoder, plan, small, batch_size),
        }
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(rounds):
            names = list(runs) if turn % 2 == 0 else list(reversed(runs))
            for name in names:
                rates[name].append(rows / runs[name]())
    print(f"{rows:,} rows, {steps} steps; rows/s, median of {rounds} rounds")
    for name, found in rates.items():
        print(f"{name:32}{median(found):8.1f}   {' '.join(f'{one:.1f}' for one in found)}")
    for kind in ("plain", "cached"):
        pairs = zip(
            rates[f"{kind}: qa-parallel"], rates[f"{kind}: sentence-transformers"], strict=True
        )
        ratios = [mine / other for mine, other in pairs]
        print(f"{kind}: {median(ratios):.2f} times as fast ({min(ratios):.2f}–{max(ratios):.2f})")


if __name__ == "__main__":
    main()
