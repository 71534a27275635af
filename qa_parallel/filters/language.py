"""Whether a text is in its language, by the language identifiers that are installed.

Identifiers give labels of their own (ISO 639-1, 639-3, macrolanguages). Which of them count as a
language stands in `languages.Language.labels`: Bosnian, Croatian and Serbian are one to them.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qa_parallel import extras
from qa_parallel.errors import SourceError
from qa_parallel.filters.bayes import NaiveBayes
from qa_parallel.filters.workers import Workers
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.places import home, is_file

AUTO, NONE = "auto", "none"
# Letters that a text must have to be identified; Han and Hangul say more with fewer.
LEAST, LEAST_DENSE = 20, 10
_DENSE = {"Hans", "Hant", "Jpan", "Hang"}
# Characters of a text that are looked at: more make nothing surer.
_READ = 500
# Texts looked at together, and from which processes are worth their start.
_CHUNK, _MANY = 500, 4000


class Detector(Protocol):
    """A language identifier."""

    labels: frozenset[str]

    def odds(self, texts: Sequence[str], accepted: frozenset[str]) -> list[float]:
        """For each text how likely the accepted labels are, of these and the likeliest other one.

        0 to 1; 0.5 where nothing can be said.
        """
        ...


class Identifier:
    """The identifiers that are used, one for each language, in worker processes where it pays.

    Parameters
    ----------
    choice:
        "auto": for each language the first of `DETECTORS` that is installed and knows it; the
        name of one of them; or the path of a fastText model.
    workers:
        Processes that share the texts. None = this one alone.

    Raises
    ------
    SourceError
        An unknown name, a file that is no fastText model.
    ExtraError
        The identifier is not installed.
    """

    def __init__(self, choice: str = AUTO, workers: Workers | None = None) -> None:
        self._names = _installed() if choice == AUTO else (choice,)
        for name in self._names if choice != AUTO else ():
            load(name)
        self._workers = workers or Workers()

    def detector(self, language: str) -> str | None:
        """The identifier for an NLLB code; None: no one here knows the language."""
        accepted = LANGUAGES[language].labels | {language}
        return next((name for name in self._names if load(name).labels & accepted), None)

    def odds(self, texts: Sequence[str], language: str) -> list[float] | None:
        """`Detector.odds` of each text being in `language`; None where it is not checkable."""
        name = self.detector(language)
        if name is None:
            return None
        chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
        tasks = [(name, language, chunk) for chunk in chunks]
        found = self._workers.map(_odds, tasks, pays=len(texts) >= _MANY)
        return [value for part in found for value in part]


def least_letters(language: str) -> int:
    """Letters that a text in that language must have to be identified."""
    return LEAST_DENSE if LANGUAGES[language].script in _DENSE else LEAST


def _odds(task: tuple[str, str, Sequence[str]]) -> list[float]:
    name, language, texts = task
    detector, accepted = load(name), LANGUAGES[language].labels | {language}
    return detector.odds([text[:_READ] for text in texts], accepted)


def _against(scores: Iterable[tuple[str, float]], accepted: frozenset[str]) -> float:
    """The odds of the accepted labels, from probabilities of all labels."""
    mine, other = 0.0, 0.0
    for label, probability in scores:
        if label in accepted:
            mine += probability
        else:
            other = max(other, probability)
    return mine / (mine + other) if mine + other else 0.5


class _Py3langid:
    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._model = NaiveBayes(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
        self.labels = frozenset(self._model.labels)

    def odds(self, texts: Sequence[str], accepted: frozenset[str]) -> list[float]:
        likely = self._model.probabilities(texts)
        mine = np.array([label in accepted for label in self._model.labels])
        right = likely[:, mine].sum(axis=1)
        other = likely[:, ~mine].max(axis=1, initial=0)
        return [float(odds) for odds in right / (right + other)]


class _Langid:
    def __init__(self) -> None:
        from langid.langid import LanguageIdentifier, model

        self._model = LanguageIdentifier.from_modelstring(model)
        self.labels = frozenset(self._model.nb_classes)

    def odds(self, texts: Sequence[str], accepted: frozenset[str]) -> list[float]:
        return [self._odds(text, accepted) for text in texts]

    def _odds(self, text: str, accepted: frozenset[str]) -> float:
        scores = self._model.rank(text)
        # Its log-probabilities add up over the text, as if letters came one by one by chance.
        heat = math.sqrt(len(text.encode("utf-8", "surrogatepass")) or 1)
        best = scores[0][1]
        return _against(((name, math.exp((s - best) / heat)) for name, s in scores), accepted)


class _Heliport:
    # Turns a difference of its scores into odds; 0.4 is as sure as 3 to 1.
    _SCALE = math.log(3) / 0.4
    _BEST = 30  # labels that are looked at

    def __init__(self) -> None:
        from heliport import Identifier as Heliport

        self._model = Heliport()
        self.labels = frozenset(self._model.get_confidence_all())

    def odds(self, texts: Sequence[str], accepted: frozenset[str]) -> list[float]:
        return [self._odds(text, accepted) for text in texts]

    def _odds(self, text: str, accepted: frozenset[str]) -> float:
        scores = self._model.identify_topk_with_score(" ".join(text.split()), self._BEST)
        if not scores:
            return 0.5
        best = scores[0][1]  # the lower the better
        likely = ((name, math.exp(self._SCALE * (best - score))) for name, score in scores)
        return _against(likely, accepted)


class _FastText:
    _BEST = 30

    def __init__(self, path: Path) -> None:
        import fasttext

        try:
            self._model = fasttext.load_model(str(path)).f
        except (ValueError, RuntimeError) as error:
            raise SourceError(f"expected a fastText model in {path}, found: {error}") from None
        names = self._model.getLabels("strict") if hasattr(self._model, "getLabels") else []
        labels = names[0] if isinstance(names, tuple) else names
        self.labels = frozenset(part for label in labels for part in _readings(label))

    def odds(self, texts: Sequence[str], accepted: frozenset[str]) -> list[float]:
        return [self._odds(text, accepted) for text in texts]

    def _odds(self, text: str, accepted: frozenset[str]) -> float:
        found = self._model.predict(" ".join(text.split()) + "\n", self._BEST, 0.0, "strict")
        mine = [
            (next((part for part in _readings(label) if part in accepted), ""), probability)
            for probability, label in found
        ]
        return _against(mine, accepted)


def _readings(label: str) -> tuple[str, str]:
    """A label as it is, and without its script: "__label__swh_Latn" is "swh_Latn" and "swh"."""
    plain = label.removeprefix("__label__")
    return plain, plain.partition("_")[0]


# In the order of preference: py3langid is the surest where it knows a language, heliport knows
# the most, langid is always there.
DETECTORS: dict[str, tuple[str, Callable[[], Detector]]] = {
    "py3langid": ("py3langid", _Py3langid),
    "heliport": ("heliport", _Heliport),
    "langid": ("langid", _Langid),
}


def _installed() -> tuple[str, ...]:
    return tuple(
        name for name, (module, _) in DETECTORS.items() if importlib.util.find_spec(module)
    )


def require(name: str) -> None:
    """SourceError where there is no identifier of that name, or no fastText model at that path;
    ExtraError where it is not installed."""
    if name == "heliport":
        extras.require("lid", "the detector heliport", "heliport")
    elif name in DETECTORS:
        return
    elif not is_file(home(name)):
        raise SourceError(
            f"expected a language identifier, found {name!r}",
            f"choose auto, {', '.join(DETECTORS)}, none, or the path of a fastText model",
        )
    elif importlib.util.find_spec("fasttext") is None:
        raise SourceError(
            "fastText, which reads that model, is not installed", "pip install fasttext-wheel"
        )


@cache
def load(name: str) -> Detector:
    """The identifier of that name, or the fastText model at that path."""
    require(name)
    return DETECTORS[name][1]() if name in DETECTORS else _FastText(home(name))


def digest(name: str) -> Any:
    """What tells one state of an identifier from another: version of a package, digest of a file.

    >>> digest("langid")["name"]
    'langid'
    """
    from importlib.metadata import version

    if name in DETECTORS:
        return {"name": name, "version": version(DETECTORS[name][0])}
    import hashlib

    path = home(name)
    with path.open("rb") as file:
        return {"name": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
