"""What a killed run goes on from: one safetensors file, written by rename.

It holds the weights that are trained, AdamW's state of each, and in its header, as JSON, the
record of the run. The learning rate and the dice of dropout follow from the step and the seed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.encoders.encoder import Encoder
from qa_parallel.errors import StoreError
from qa_parallel.storage import store

if TYPE_CHECKING:
    import torch

FILE = "checkpoint.safetensors"
_STATE = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Record:
    """What a run has done.

    Attributes
    ----------
    plan:
        Digest of the plan and of all else that shapes the run: a checkpoint of another one is none.
    losses:
        Of each step.
    rows, candidates:
        Questions so far, and how many texts these were compared with, added up.
    validations:
        Steps done and the measure, from before the first step on.
    seconds:
        Spent on steps.
    """

    plan: str
    losses: list[float] = field(default_factory=list)
    rows: int = 0
    candidates: int = 0
    validations: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def step(self) -> int:
        """Steps that are done."""
        return len(self.losses)

    @property
    def best(self) -> int | None:
        """The steps after which the measure was best, none of them zero. None: not known yet."""
        trained = [(value, -step) for step, value in self.validations if step]
        return -max(trained)[1] if trained else None

    @property
    def negatives(self) -> float:
        """How many wrong texts a question was compared with in the mean."""
        return self.candidates / self.rows - 1 if self.rows else 0.0

    def since_best(self) -> int:
        """Validations since the best one."""
        return sum(step > (self.best or 0) for step, _ in self.validations)


def trained(encoder: Encoder) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """The parameters that are not frozen, by name."""
    parts = [
        ("body", encoder.model),
        *((f"head{n}", one) for n, (one, _) in enumerate(encoder.heads)),
    ]
    for part, module in parts:
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                yield f"{part}.{name}", parameter


def save(home: Path, encoder: Encoder, optimizer: torch.optim.Optimizer, record: Record) -> None:
    """Replace the checkpoint in `home`.

    Raises
    ------
    StoreError
        The disk is full, or the folder cannot be written.
    """
    from safetensors.torch import save as to_bytes

    tensors = {}
    for name, parameter in trained(encoder):
        tensors[f"weight.{name}"] = parameter.detach().contiguous()
        for key in _STATE:
            tensors[f"{key}.{name}"] = optimizer.state[parameter][key].contiguous()
    header = {"record": json.dumps(asdict(record))}
    store.write_bytes(home / FILE, to_bytes(tensors, header))


def load(
    home: Path, encoder: Encoder, optimizer: torch.optim.Optimizer, plan: str
) -> Record | None:
    """Go back to the checkpoint in `home`. None: there is none.

    Raises
    ------
    StoreError
        It is broken, or of another plan, encoder or settings.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    path = home / FILE
    if not path.exists():
        return None
    hint = f"delete {path} to begin again, or choose another --out"
    try:
        with safe_open(path, "pt") as file:
            record = _record(file.metadata())
            if record.plan != plan:
                raise StoreError(
                    f"expected a checkpoint of the plan {plan} in {home}, found one of "
                    f"{record.plan}",
                    hint,
                )
            with torch.no_grad():
                for name, parameter in trained(encoder):
                    parameter.copy_(file.get_tensor(f"weight.{name}"))
                    optimizer.state[parameter] = {
                        key: file.get_tensor(f"{key}.{name}").to(
                            "cpu" if key == "step" else parameter.device
                        )
                        for key in _STATE
                    }
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise StoreError(f"cannot read the checkpoint {path}: {error}", hint) from None
    return record


def _record(header: dict[str, str]) -> Record:
    values: dict[str, Any] = json.loads(header["record"])
    values["validations"] = [(step, value) for step, value in values["validations"]]
    return Record(**values)
