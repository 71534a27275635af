"""py3langid's model over batches: what the package says of each text by itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_parallel.filters.bayes import NaiveBayes
from tests.unit.filters.test_language import TEXTS

ODD = ["", " ", "7", "ÄÖÜ ÜBER ALLES", "Cafe\u0301", "\ud800 lone", "\x00\x01", "😀😀", "a" * 3000]


@cache
def package() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def ours() -> NaiveBayes:
    return NaiveBayes(package())


def compare(texts: Sequence[str]) -> None:
    found = ours().probabilities(texts)
    for text, row in zip(texts, found, strict=True):
        theirs = dict(package().rank(text))
        expected = np.array([theirs[label] for label in ours().labels])
        np.testing.assert_allclose(row, expected, atol=2e-5, err_msg=repr(text[:80]))
        first, second = np.sort(expected)[[-1, -2]]
        if first - second > 1e-4:
            assert ours().labels[int(row.argmax())] == package().classify(text)[0]


def test_probabilities_are_those_of_the_package() -> None:
    compare([*TEXTS.values(), *ODD])


def test_a_text_says_the_same_in_whatever_company() -> None:
    texts = [text[start:] for text in TEXTS.values() for start in range(0, 50, 3)]
    shuffled = random.Random(1).sample(texts, len(texts))
    alone = {text: ours().probabilities([text])[0] for text in texts}
    together = ours().probabilities(shuffled)
    for text, row in zip(shuffled, together, strict=True):
        np.testing.assert_allclose(row, alone[text], atol=2e-5)


def test_no_texts_are_no_rows() -> None:
    assert ours().probabilities([]).shape == (0, len(ours().labels))


@pytest.mark.realdata
def test_real_texts_get_the_labels_of_the_package(realdata: Path) -> None:
    for path in sorted((realdata / "flores-mt").glob("*/*.*"))[:20]:
        compare([text[:500] for text in path.read_text("utf-8").splitlines()[::25]])
