"""The model card of a trained encoder."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.training.card import training_card
from tests import invented
from tests.golden import golden

GOLDEN = Path(__file__).parent / "golden"


def test_the_card() -> None:
    golden(GOLDEN / "card.md", training_card(invented.training(), invented.evaluation()))


def test_the_card_before_the_evaluation() -> None:
    golden(GOLDEN / "card-before.md", training_card(invented.training()))
