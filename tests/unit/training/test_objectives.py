"""An objective is an argument of the loop, and need not know how its gradients are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.encoders.encoder import load_encoder
from qa_parallel.training import checkpoint
from qa_parallel.training.checkpoint import Record
from qa_parallel.training.loop import train
from qa_parallel.training.objectives import InfoNCE, Objective, info_nce
from qa_parallel.training.settings import TrainSettings
from qa_parallel.training.texts import Texts
from tests.tiny_models import SENTENCES, build_bert

torch: Any = pytest.importorskip("torch")
pytest.importorskip("accelerate")


@dataclass(frozen=True)
class Step:
    """Sentences that are to find the next ones; the texts differ in length."""

    questions: list[str] = field(default_factory=lambda: SENTENCES[:4])
    positives: list[str] = field(default_factory=lambda: SENTENCES[1:5])
    negatives: list[list[str]] = field(default_factory=lambda: [[], SENTENCES[5:7], [], []])
    question_languages: list[str] = field(default_factory=list)
    passage_languages: list[str] = field(default_factory=list)


class Distance:
    """The mean squared distance of a question to its positive; negatives are of no account."""

    def loss(self, vectors: Any, texts: Texts) -> Any:
        assert vectors.shape[0] == 2 * texts.rows + texts.negatives
        questions, positives = vectors[: 2 * texts.rows].chunk(2)
        return (questions - positives).square().sum(dim=1).mean()


@dataclass
class Noted:
    """InfoNCE that keeps what it was given."""

    seen: list[tuple[Any, Texts]] = field(default_factory=list)

    def loss(self, vectors: Any, texts: Texts) -> Any:
        self.seen.append((vectors.detach().clone(), texts))
        return info_nce(vectors, texts.rows, 0.05)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_bert(tmp_path_factory.mktemp("models") / "tiny-bert")


def trained(
    bert: Path, home: Path, objective: Objective | None = None, steps: int = 1, **more: Any
) -> tuple[Record, Any]:
    """The record of some steps, and all weights after them."""
    encoder = load_encoder(bert)
    settings = TrainSettings(schedule="constant", warmup=0, **more)
    record = train(encoder, [Step()] * steps, settings, home, "plan", objective=objective)
    weights = torch.cat([one.detach().flatten() for _, one in checkpoint.trained(encoder)])
    return record, weights


def gradients(
    bert: Path, home: Path, objective: Objective, cached: int | None
) -> tuple[float, Any]:
    """The loss and the gradients of one step, of which AdamW's first moment is a tenth."""
    from safetensors.torch import load_file

    record, _ = trained(bert, home, objective, cached=cached, clip=1e9)
    state = load_file(home / checkpoint.FILE)
    moments = [state[key].flatten() for key in sorted(state) if key.startswith("exp_avg.")]
    return record.losses[0], 10 * torch.cat(moments)


@pytest.mark.parametrize(
    "objective", [InfoNCE(), InfoNCE(0.1, both=True), Distance()], ids=["nce", "both", "distance"]
)
@pytest.mark.parametrize("size", [1, 3])
def test_cached_gradients_are_the_plain_ones(
    bert: Path, tmp_path: Path, objective: Objective, size: int
) -> None:
    """Through the whole loop, dropout included: the chunks are the same on both sides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qa_parallel.training.loop._CHUNK", {"cpu": size, "cuda": size})
        plain, theirs = gradients(bert, tmp_path / "plain", objective, None)
    cached, ours = gradients(bert, tmp_path / "cached", objective, size)
    assert cached == pytest.approx(plain)
    assert theirs.norm() > 0.1
    assert (ours - theirs).norm() / theirs.norm() < 1e-5


@pytest.mark.parametrize("cached", [None, 2])
def test_another_objective_is_what_falls(bert: Path, tmp_path: Path, cached: int | None) -> None:
    more: dict[str, Any] = {"steps": 30, "cached": cached, "rate": 1e-3, "dropout": False}
    distance, _ = trained(bert, tmp_path / "distance", Distance(), **more)
    assert distance.losses[-1] < 0.3 * distance.losses[0]
    nce, _ = trained(bert, tmp_path / "nce", **more)
    assert nce.losses[0] != pytest.approx(distance.losses[0])


def test_an_objective_sees_questions_then_positives_then_negatives(
    bert: Path, tmp_path: Path
) -> None:
    """Whatever the chunks, which are cut by length."""
    noted = Noted()
    trained(bert, tmp_path, noted, cached=2, dropout=False)
    ((vectors, texts),) = noted.seen
    assert (texts.rows, texts.negatives) == (4, 2)
    step = Step()
    expected = load_encoder(bert)([*step.questions, *step.positives, *SENTENCES[5:7]])
    assert torch.allclose(vectors, torch.tensor(expected), atol=1e-5)


@pytest.mark.parametrize("direction", ["question", "both"])
def test_the_default_is_info_nce_of_the_settings(
    bert: Path, tmp_path: Path, direction: str
) -> None:
    more: dict[str, Any] = {"steps": 3, "temperature": 0.2, "direction": direction}
    default, ours = trained(bert, tmp_path / "default", **more)
    same = InfoNCE(0.2, both=direction == "both")
    given, theirs = trained(bert, tmp_path / "given", same, steps=3)
    assert default.losses == given.losses
    assert torch.equal(ours, theirs)
    other, _ = trained(bert, tmp_path / "other", InfoNCE(), steps=3)
    assert other.losses[0] != default.losses[0]
