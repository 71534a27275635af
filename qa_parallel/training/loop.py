"""The loop: every step of a plan, now and then a validation, the best encoder kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa_parallel.encoders.encoder import Encoder
from qa_parallel.errors import TrainingError
from qa_parallel.training import checkpoint
from qa_parallel.training.checkpoint import Record
from qa_parallel.training.objectives import InfoNCE, Objective, cache_step, plain_step
from qa_parallel.training.settings import TrainSettings, factor
from qa_parallel.training.texts import Batches, Texts, ahead

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

BEST = "best"
# Texts of like length that are padded together where gradients are not cached.
_CHUNK = {"cpu": 64, "cuda": 512}
_VALIDATIONS = 10

Tell = Callable[[Record, int], None]


def train(
    encoder: Encoder,
    batches: Batches,
    settings: TrainSettings,
    home: Path,
    plan: str,
    validate: Callable[[], float] | None = None,
    tell: Tell = lambda record, steps: None,
    objective: Objective | None = None,
) -> Record:
    """Train `encoder` by the steps of a plan; the best one is kept in the folder `home`/best.

    A call that was killed goes on from its checkpoint, to the weights of one that was not.

    Parameters
    ----------
    home:
        Folder of the checkpoint and of the best encoder.
    plan:
        Digest of all that shapes the run, an objective of one's own among it, for telling its
        checkpoint from another's.
    validate:
        The measure of the encoder as it is, higher is better. None: the last one is the best.
    tell:
        Told after every step what was done, and how many steps there will be.
    objective:
        What the steps minimise. None: `InfoNCE` with the temperature and the direction of
        `settings`, which no other objective asks for.

    Raises
    ------
    TrainingError
        A loss or a gradient that is no number, too little memory, fewer steps than asked for.
    StoreError
        The checkpoint is broken or of another run; the disk is full.
    """
    import torch

    steps = steps_of(len(batches), settings)
    if objective is None:
        objective = InfoNCE(settings.temperature, both=settings.direction == "both")
    accelerator = _accelerator(encoder, settings)
    if settings.freeze_embeddings:
        encoder.model.get_input_embeddings().requires_grad_(False)
    weights = [one for _, one in checkpoint.trained(encoder)]
    optimizer: Any = accelerator.prepare(_optimizer(weights, settings))
    record = checkpoint.load(home, encoder, optimizer, plan)
    if record is None:
        record = Record(plan)
        _validate(record, encoder, validate)
    size = settings.cached or _CHUNK[accelerator.device.type]
    with _own_dice(accelerator):
        begun = time.monotonic()
        for step, texts in ahead(batches, range(record.step, steps), encoder, size):
            if settings.patience is not None and record.since_best() >= settings.patience:
                break
            loss = _gradients(step, texts, encoder, accelerator, settings, objective)
            norm = accelerator.clip_grad_norm_(weights, settings.clip)
            if not torch.isfinite(loss + norm):
                raise _no_number(step, home)
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * factor(step, steps, settings)
            optimizer.step()
            optimizer.zero_grad()
            record.losses.append(loss.item())
            record.rows += texts.rows
            record.candidates += texts.rows * (texts.rows + texts.negatives)
            record.seconds += time.monotonic() - begun
            tell(record, steps)
            if record.step == steps or record.step % _every(steps, settings) == 0:
                _validate(record, encoder, validate)
                if record.step == (steps if validate is None else record.best):
                    encoder.save(home / BEST)
                checkpoint.save(home, encoder, optimizer, record)
            begun = time.monotonic()
    encoder.model.eval()
    return record


def steps_of(planned: int, settings: TrainSettings) -> int:
    """Steps of a run by a plan of so many; TrainingError where these are too few."""
    steps = planned if settings.steps is None else settings.steps
    if not 0 < steps <= planned:
        raise TrainingError(
            f"expected a plan of at least {max(steps, 1):,} steps, found {planned:,}",
            "choose fewer --steps, or make a longer plan",
        )
    return steps


def _every(steps: int, settings: TrainSettings) -> int:
    return settings.validate_every or max(1, steps // _VALIDATIONS)


def _validate(record: Record, encoder: Encoder, validate: Callable[[], float] | None) -> None:
    if validate is not None:
        encoder.model.eval()
        record.validations.append((record.step, validate()))


def _gradients(
    step: int,
    texts: Texts,
    encoder: Encoder,
    accelerator: Accelerator,
    settings: TrainSettings,
    objective: Objective,
) -> torch.Tensor:
    """Add the gradients of a step to the encoder's; returns the loss."""
    import torch

    def encode(chunk: int) -> torch.Tensor:
        torch.manual_seed(_throw(settings.seed, step, chunk))
        with accelerator.autocast():
            return encoder.vectors(encoder.pad(texts.chunks[chunk]))

    def loss(vectors: torch.Tensor) -> torch.Tensor:
        return objective.loss(vectors[texts.places], texts)

    encoder.model.train(settings.dropout)
    try:
        descend = plain_step if settings.cached is None else cache_step
        return descend(encode, len(texts.chunks), loss)
    except (RuntimeError, MemoryError) as error:
        if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
            raise
        raise _no_memory(step, texts, settings) from None


def _accelerator(encoder: Encoder, settings: TrainSettings) -> Accelerator:
    """One device, the encoder's; half of the bits where that was asked for, or helps."""
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    kind = next(encoder.model.parameters()).device.type
    auto = "bfloat16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    precision = auto if settings.precision == "auto" else settings.precision
    # What another run in this process asked for is not what this one asks for.
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(
        cpu=kind == "cpu", mixed_precision="bf16" if precision == "bfloat16" else "no"
    )
    if accelerator.num_processes > 1:
        raise TrainingError(
            f"expected one process, found {accelerator.num_processes}",
            "start the command by itself, without a launcher",
        )
    return accelerator


def _optimizer(weights: Sequence[torch.nn.Parameter], settings: TrainSettings) -> Any:
    """AdamW; biases and the weights of norms, which are vectors, do not decay."""
    import torch

    decay = {True: settings.weight_decay, False: 0.0}
    groups = [
        {
            "params": [one for one in weights if (one.dim() > 1) is matrix],
            "weight_decay": decay[matrix],
        }
        for matrix in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=settings.rate, fused=True)


@contextmanager
def _own_dice(accelerator: Accelerator) -> Iterator[None]:
    """Leave torch's generators as they were."""
    import torch

    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def _throw(*place: int) -> int:
    """A seed for dropout, the same whenever a chunk of a step is computed."""
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0])


def _no_number(step: int, home: Path) -> TrainingError:
    kept = "what was best before it is kept" if (home / BEST).exists() else "nothing was kept yet"
    return TrainingError(
        f"expected a finite loss and gradient at step {step + 1:,}, found NaN or infinity; {kept} "
        f"in {home}",
        "choose a lower --rate or a higher --temperature, with another --out",
    )


def _no_memory(step: int, texts: Texts, settings: TrainSettings) -> TrainingError:
    count = len(texts.places)
    half = max(1, min(settings.cached or count, count) // 2)
    return TrainingError(
        f"out of memory at step {step + 1:,}, with {settings.cached or count:,} of its {count:,} "
        "texts at a time",
        f"try --cached {half}"
        if half < (settings.cached or count)
        else "try a shorter --max-length",
    )
