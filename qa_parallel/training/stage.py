"""A plan and an encoder in, the trained encoder out, as a folder of sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from qa_parallel import extras
from qa_parallel.batches.plan import Plan, open_plan, plan_digest, reserved_rows
from qa_parallel.encoders.encoder import Encoder, find_encoder, load_encoder
from qa_parallel.errors import ModelError
from qa_parallel.places import DEMO
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import README, Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Stage
from qa_parallel.training import summary
from qa_parallel.training.card import training_card
from qa_parallel.training.checkpoint import Record
from qa_parallel.training.loop import BEST, steps_of, train
from qa_parallel.training.settings import TrainSettings
from qa_parallel.training.texts import unknown_shares
from qa_parallel.training.validation import reserved_task, validate

# Raise it when the same plan, encoder and settings would give another encoder than before.
VERSION = 2
ENCODER = "encoder"
REPORT = "training.json"
# A language of which more tokens than that are unknown is warned of.
_UNKNOWN = 0.02

Tell = Callable[[str], None]
# Settings that have no part in what comes out.
_PLACES = {"encoder", "device"}


def train_encoder(
    folder: Path,
    settings: TrainSettings,
    out: Path,
    *,
    overwrite: bool = False,
    tell: Tell = lambda _: None,
    warn: Tell = lambda _: None,
) -> Outcome:
    """Train an encoder by the plan in `folder`; what was begun is continued.

    Parameters
    ----------
    out:
        Folder of "encoder", the best one, and of "training.json", how it was trained.
    tell, warn:
        Told in a few words what is being done; what the user should know of.

    Raises
    ------
    ModelError
        The encoder cannot be loaded.
    StoreError
        No plan, or its corpora have changed; `out` belongs to other settings or to something else.
    TrainingError
        As `train`.
    """
    folders.refuse_foreign(out)
    job = prepare_training(folder, settings, tell=tell, warn=warn)
    return carry_out(job, out, fresh(overwrite))


def prepare_training(
    folder: Path,
    settings: TrainSettings,
    *,
    tell: Tell = lambda _: None,
    warn: Tell = lambda _: None,
) -> Job:
    """The job of `train_encoder`; the plan is read, the encoder is loaded."""
    extras.require("train", "training", *extras.TRAINING)
    plan = open_plan(folder)
    steps_of(len(plan), settings)
    encoder, name = _load(settings)
    described = description(
        STAGE.name,
        VERSION,
        settings.model_dump(mode="json", exclude=_PLACES),
        plan={"name": folder.resolve().name, "digest": plan_digest(plan.manifest)},
        corpora=[{key: one[key] for key in ("name", "digest")} for one in plan.manifest["corpora"]],
        encoder=name,
        **{"build-batches": plan.settings.model_dump(mode="json")},
    )

    def make(out: Path) -> dict[str, Any]:
        record, unknown = _train(encoder, plan, folder, settings, out, described, tell, warn)
        report = {**described, "unknown": unknown, **_told(record)}
        store.write_json(out / REPORT, report)
        store.remove(out / ENCODER)
        store.rename(_work(out) / BEST, out.resolve() / ENCODER)
        write_card(out)
        return {**folders.manifest(described, {}, _files(out)), "kind": "training"}

    return Job(described, make)


def write_card(out: Path, results: Mapping[str, Any] | None = None) -> None:
    """The model card of the encoder in `out`, with the report of its evaluation, if any."""
    card = training_card(store.read_json(out / REPORT), results)
    store.write_bytes(out / ENCODER / README, card.encode())


def _load(settings: TrainSettings) -> tuple[Encoder, str]:
    """The encoder with the prefixes that it is trained with, and its name with its digest."""
    if settings.encoder is None:
        raise ModelError("expected an encoder to train, found none", "give --encoder FOLDER")
    folder = find_encoder(settings.encoder)
    encoder = load_encoder(folder, settings.model_copy(update={"precision": "float32"}))
    if settings.query_prefix is not None:
        encoder.query_prefix = settings.query_prefix
    if settings.passage_prefix is not None:
        encoder.passage_prefix = settings.passage_prefix
    if not encoder.include_prompt and (encoder.query_prefix or encoder.passage_prefix):
        raise ModelError(
            f"expected an encoder that pools its prefixes, found include_prompt off in {folder}",
            "such encoders can be evaluated, not trained",
        )
    called = DEMO if settings.encoder == DEMO else folder.resolve().name
    return encoder, f"{called}@{encoder.digest[:12]}"


def _train(
    encoder: Encoder,
    plan: Plan,
    folder: Path,
    settings: TrainSettings,
    out: Path,
    described: dict[str, Any],
    tell: Tell,
    warn: Tell,
) -> tuple[Record, dict[str, float]]:
    """Train by the plan, validating on what it reserves; also the shares of unknown tokens."""
    unknown = unknown_shares(plan, encoder)
    for language, share in unknown.items():
        if share > _UNKNOWN:
            warn(f"{language}: the tokenizer does not know {share:.0%} of the tokens")
    task = reserved_task(reserved_rows(folder), settings.validation_questions)
    if task is None:
        warn("no passages are reserved for validation, so the last encoder is kept, not the best")
    encoder.languages = tuple(sorted({*(encoder.languages or ()), *unknown}))

    def told(record: Record, steps: int) -> None:
        tell(progress(record, steps))

    tell("validating" if task else "training")
    record = train(
        encoder,
        plan,
        settings,
        _work(out),
        store.fingerprint(described),
        partial(validate, task, encoder, settings.measure) if task else None,
        told,
    )
    return record, unknown


def entry(name: str, report: Mapping[str, Any]) -> dict[str, Any]:
    """What a table says of a training, from its report: counts, loss at the end, validation."""
    kept = ("steps", "rows", "seconds", "negatives", "best", "validation", "unknown")
    last = report["losses"][-20:]
    return {
        "name": name,
        **{key: report[key] for key in kept},
        "loss": sum(last) / len(last),
    }


def progress(record: Record, steps: int) -> str:
    """A line that tells how a run goes."""
    recent = record.losses[-20:]
    left = round(record.seconds / record.step * (steps - record.step))
    line = (
        f"step {record.step:,} of {steps:,}, loss {sum(recent) / len(recent):.3f}, "
        f"{record.rows / record.seconds:,.1f} rows/s, {left // 60}:{left % 60:02d} left"
    )
    if record.validations:
        line += f", validation {record.validations[-1][1]:.4f}"
    return line


def _told(record: Record) -> dict[str, Any]:
    """What a run came to, for its report."""
    values = dict(record.validations)
    return {
        **{key: value for key, value in asdict(record).items() if key != "plan"},
        "steps": record.step,
        "negatives": record.negatives,
        "best": record.best or record.step,
        "validation": {"start": values.get(0), "best": values.get(record.best or -1)},
    }


def _work(out: Path) -> Path:
    return out / folders.WORK


def _files(out: Path) -> dict[str, Any]:
    """All files of the folder but the card, which is written again when there are results."""
    paths = [one for one in sorted((out / ENCODER).rglob("*")) if one.is_file()]
    return {
        str(path.relative_to(out)): store.record(path)
        for path in [*paths, out / REPORT]
        if path.name != README
    }


def _summary(outcome: Outcome) -> Iterator[Any]:
    report = store.read_json(outcome.folder / REPORT)
    yield summary.trainings([entry(outcome.folder.resolve().name, report)])
    yield f"The encoder is in {outcome.folder}/{ENCODER}."


STAGE = Stage(
    name="train",
    title="Train",
    makes="training",
    words=summary.training_words,
    brief=lambda outcome: summary.training_brief(store.read_json(outcome.folder / REPORT)),
    summary=_summary,
)
