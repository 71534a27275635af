"""What language a sample of a source looks like, beside the one that it is read as."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from qa_parallel.errors import LanguageError
from qa_parallel.language_codes import LANGUAGES, parse
from qa_parallel.sources.layouts import BILINGUAL, has_pivot
from qa_parallel.sources.tables import folded
from qa_parallel.sources.tags import ENGLISH, pair_of
from qa_parallel.sources.values import read_texts

# Rows that are looked at, the characters of each that are, and those that are judged together:
# short texts are told apart badly, many of them well.
SAMPLE, _READ, _TOGETHER = 100, 300, 400
# Letters that a sample must have, and the share of it that must look like one language.
_LEAST, _SHARE = 40, 0.7


def identify(texts: Sequence[str]) -> str | None:
    """The label (ISO 639-1) that most of the texts look like; None where they say too little.

    >>> identify(["Wo ist die alte Brücke, die über den Fluss führt?", "Sie steht noch heute da."])
    'de'
    """
    parts = [""]
    for text in texts[:SAMPLE]:
        parts[-1] += " " + text[:_READ]
        if len(parts[-1]) > _TOGETHER:
            parts.append("")
    sizes: Counter[str] = Counter()
    for part in parts:
        if letters := len(re.findall(r"[^\W\d_]", part)):
            sizes[str(_model().classify(part)[0])] += letters
    if not sizes or sizes.total() < _LEAST:
        return None
    label, size = sizes.most_common(1)[0]
    return label if size >= _SHARE * sizes.total() else None


def code_of(label: str | None) -> str | None:
    """NLLB's code for a label; None where there is none."""
    try:
        return None if label is None else parse(label)
    except LanguageError:
        return None


def warning(texts: Sequence[str], language: str) -> str | None:
    """What to say where texts that are read as one language look like another; else None.

    Languages that the identifier does not know are not judged.

    >>> warning(["Wo ist die alte Brücke, die heute noch über den Fluss führt?"], "eng_Latn")
    'looks like German (deu_Latn), read as English (eng_Latn)'
    """
    mine = LANGUAGES.get(language)
    if mine is None or not mine.labels & set(_model().labels):
        return None
    label = identify(texts)
    code = code_of(label)
    if label is None or label in mine.labels or code is None:
        return None
    return f"looks like {LANGUAGES[code].name} ({code}), read as {mine.name} ({language})"


def pivot_for(head: Sequence[Mapping[str, Any]], name: str) -> str:
    """The language of the questions that stand beside native ones: AfriQA's Fon has French ones.

    By the name of the file, "fon.fr.train.json"; else by how they look; else English.
    """
    if not has_pivot(head):
        return ENGLISH
    if pair := pair_of(name):
        return pair[1]
    columns = {english["question"] for english, _ in BILINGUAL}
    values = [record[name] for record in head for name in record if folded(name) in columns]
    texts = [text.text for value in values for text in read_texts(value).texts]
    return (code_of(identify(texts)) if len(texts) > 4 else None) or ENGLISH


class _Model:
    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model = LanguageIdentifier.from_model_file(MODEL_FILE)
        self.classify, self.labels = model.classify, list(model.nb_classes)


@cache
def _model() -> _Model:
    return _Model()
