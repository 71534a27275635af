"""All that the trainer can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from qa_parallel.encoders.settings import EncoderSettings
from qa_parallel.evaluation.settings import Candidates, EvaluateSettings
from qa_parallel.sources.settings import EvalSettings, open_places

# What an encoder is called before it is trained.
START = "start"


class TrainSettings(EncoderSettings):
    """How an encoder is trained by a plan.

    Its weights are float32; with `precision` bfloat16 ("auto": on a GPU that has it) most of the
    arithmetic is not.

    Attributes
    ----------
    steps:
        Exactly so many, the first ones of the plan. None: all of it.
    temperature:
        What cosines are divided by before the softmax.
    direction:
        "question": each question is to find its passage among the batch's. "both": each passage its
        question as well, the mean of both losses.
    rate, weight_decay, clip:
        Of AdamW: learning rate at its highest; decay of all weights but biases and norms; the norm
        that gradients are scaled down to.
    warmup:
        The share of the steps in which the rate rises evenly.
    schedule:
        What the rate does then: falls evenly to nothing ("linear"), or stays ("constant").
    freeze_embeddings:
        Leave the embeddings of the vocabulary as they are: less memory, and words that the training
        data do not have keep their place.
    dropout:
        Whether the encoder's own dropout is on. Without it a step takes less time on a CPU, and a
        training that sees each text once or twice has little to overfit to.
    cached:
        Cached gradients (GradCache, arXiv 2101.06983): so many texts at a time are in memory with
        what their gradients need, the batch is as large as ever, and a step computes each vector
        twice. None: the whole batch at once.
    seed:
        Of dropout.
    validate_every:
        Steps between two validations, each followed by a checkpoint. None: ten times in all.
    measure:
        Of the validation, over the reserved questions of all languages and what is to be found in
        all languages, other sentences of the same passages included: MRR, or mAP, which asks for
        all translations and not for the first one.
    validation_questions:
        At most so many questions, in all their languages.
    patience:
        Stop after so many validations without a better one. None: never.
    """

    steps: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=0.05, gt=0)
    direction: Literal["question", "both"] = "question"
    rate: float = Field(default=3e-5, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    warmup: float = Field(default=0.1, ge=0, le=1)
    schedule: Literal["linear", "constant"] = "linear"
    freeze_embeddings: bool = False
    dropout: bool = True
    cached: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    validate_every: int | None = Field(default=None, ge=1)
    measure: Literal["mrr", "map"] = "mrr"
    validation_questions: int = Field(default=200, ge=1)
    patience: int | None = Field(default=None, ge=1)


class ExperimentSettings(TrainSettings):
    """How encoders are trained, evaluated and compared.

    Attributes
    ----------
    seed, seeds:
        Each plan is trained by `seeds` times, from `seed` on; a strategy is also planned anew.
    candidates, titles, cache:
        Of the evaluation, as in `EvaluateSettings`.
    samples:
        Of the bootstrap.
    """

    seeds: int = Field(default=1, ge=1)
    candidates: Candidates = "sentence"
    titles: bool | None = None
    cache: Path | None = None
    samples: int = Field(default=1000, ge=100)

    def training(self, seed: int) -> TrainSettings:
        """The part that shapes one training."""
        fields = self.model_dump(include=set(TrainSettings.model_fields))
        return TrainSettings.model_validate({**fields, "seed": seed})

    def evaluation(self, encoder: str, strategy: str, seed: int) -> EvaluateSettings:
        """How an encoder is evaluated; one that was trained knows its lengths and prefixes."""
        fields = {"candidates", "titles", "cache", "device", "precision"}
        if strategy == START:
            fields |= {"pooling", "query_prefix", "passage_prefix", "max_length"}
        given = {**self.model_dump(include=fields), "encoder": encoder}
        return EvaluateSettings.model_validate({**given, "strategy": strategy, "seed": seed})


def factor(step: int, steps: int, settings: TrainSettings) -> float:
    """The part of the learning rate that step `step` of `steps`, from 0, is made with.

    >>> [factor(step, 4, TrainSettings(warmup=0.5)) for step in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rising = round(settings.warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return 1.0 if settings.schedule == "constant" else (steps - step) / (steps - rising)


class TrainEvalSettings(ExperimentSettings):
    """The stage that trains by the plan of [build-batches], and evaluates before and after."""

    # name -> path, as in --eval NAME=PATH
    sets: dict[str, str] = Field(min_length=1)

    def evalsets(self) -> list[EvalSettings]:
        """The settings of every evaluation set."""
        return open_places(self.sets)

    def experiment(self) -> ExperimentSettings:
        """All but the sets."""
        return ExperimentSettings.model_validate(self.model_dump(exclude={"sets"}))
