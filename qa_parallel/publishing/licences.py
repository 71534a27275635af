"""What the licences of source and model leave open for the corpus that was made from them.

`licences.json` lists the identifiers that the Hub takes
(https://huggingface.co/docs/hub/repositories-licenses) by what they ask for.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from qa_parallel.errors import PublishError

_CC = re.compile(r"cc-by(?P<nc>-nc)?(?P<sa>-sa)?(?P<nd>-nd)?-(?P<version>\d\.\d)")


@cache
def known() -> dict[str, tuple[str, ...]]:
    """Identifiers of the Hub, by what they ask for."""
    text = files("qa_parallel.publishing").joinpath("licences.json").read_text("utf-8")
    return {asked: tuple(names) for asked, names in json.loads(text).items()}


def on_hub() -> frozenset[str]:
    """All identifiers that the Hub takes."""
    return frozenset(name for names in known().values() for name in names)


@dataclass(frozen=True)
class Terms:
    """What a licence asks of those who build on it.

    Attributes
    ----------
    attribution, non_commercial, share_alike, no_derivatives:
        The four conditions of Creative Commons; other licences are put in the same words.
    version:
        Of a Creative Commons licence, (4, 0); (0, 0) for others.
    """

    attribution: bool = False
    non_commercial: bool = False
    share_alike: bool = False
    no_derivatives: bool = False
    version: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        asked = {
            "attribution": self.attribution,
            "no commercial use": self.non_commercial,
            "share alike": self.share_alike,
            "no derivatives": self.no_derivatives,
        }
        return ", ".join(name for name, holds in asked.items() if holds) or "nothing"


@dataclass(frozen=True)
class Party:
    """One of those whose licence counts.

    Attributes
    ----------
    name:
        "the source", "the model facebook/nllb-200-distilled-600M".
    license:
        Identifier; None where it is not known.
    """

    name: str
    license: str | None


@dataclass(frozen=True)
class Settled:
    """The licence of a corpus.

    Attributes
    ----------
    license:
        Identifier, as the Hub knows it.
    notes:
        What a user of the corpus has to know, a sentence each, in plain text.
    warnings:
        Those of `notes` that the one who publishes should read first.
    """

    license: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def terms(license: str) -> Terms | None:
    """The terms of a licence; None where it is not one of those known here.

    >>> str(terms("cc-by-nc-4.0"))
    'attribution, no commercial use'
    """
    if license in known()["nothing"]:
        return Terms()
    alike = license in known()["share alike"]
    if alike or license in known()["attribution"]:
        return Terms(attribution=True, share_alike=alike)
    found = _CC.fullmatch(license)
    if found is None:
        return None
    major, minor = found["version"].split(".")
    return Terms(
        True, bool(found["nc"]), bool(found["sa"]), bool(found["nd"]), (int(major), int(minor))
    )


def settle(sources: Sequence[Party], model: Party | None, given: str | None) -> Settled:
    """The licence of what was made from `sources` with `model`.

    Parameters
    ----------
    model:
        None: nothing was translated.
    given:
        What the user asks for. It has to keep to the licences of the sources; where it is freer
        than the model's, that is warned of. None: the licence that follows from all of them.

    Raises
    ------
    PublishError
        No licence keeps to all of them, one is not known, or `given` is unknown or breaks one.
    """
    parties = [*sources, *([model] if model else [])]
    stated = [
        f"Licence of {one.name}: {one.license or 'unknown'}"
        f"{_asks(one.license) if one.license else ''}."
        for one in parties
    ]
    if given is None:
        chosen = _follow(parties)
        return Settled(chosen, (*stated, f"This dataset is therefore licensed under {chosen}."))
    if given not in on_hub():
        near = difflib.get_close_matches(given.lower(), sorted(on_hub()), n=3)
        raise PublishError(
            f"expected a licence by the Hub's identifier, found {given!r}",
            f"did you mean {', '.join(near)}?" if near else "for example cc-by-sa-4.0, or other",
        )
    for one in sources:
        broken = one.license and _broken(given, one.license)
        if broken:
            raise PublishError(
                f"expected a licence that keeps to that of {one.name}, {one.license} ({broken}), "
                f"found {given}",
                f"--license {one.license} keeps to it"
                if broken != "no derivatives"
                else "translations of it may not be published",
            )
    warnings = []
    if model is not None and model.license is not None:
        broken = _broken(given, model.license)
        if broken:
            warnings.append(
                f"{given} is freer than the licence of {model.name}, {model.license} ({broken}): "
                "the publisher has chosen it; whether a model's licence binds what the model "
                "writes is for those who use this data to judge."
            )
    for one in parties:
        if one.license is None or terms(one.license) is None or terms(given) is None:
            warnings.append(
                f"Whether {given} keeps to the licence of {one.name} "
                f"({one.license or 'unknown'}) was not checked by a program."
            )
    return Settled(given, (*stated, f"This data is published under {given}.", *warnings),
                   tuple(warnings))  # fmt: skip


def _asks(license: str) -> str:
    found = terms(license)
    return "" if found is None else f", which asks for {found}"


def _broken(given: str, license: str) -> str:
    """What `license` asks for and `given` does not; "" where it keeps to all of it, or where one
    of them is not known."""
    asked, kept = terms(license), terms(given)
    if asked is None or kept is None:
        return "no derivatives" if asked is not None and asked.no_derivatives else ""
    if asked.no_derivatives:
        return "no derivatives"
    if asked.share_alike and not _alike(given, license):
        return "share alike"
    if asked.non_commercial and not kept.non_commercial:
        return "no commercial use"
    return "attribution" if asked.attribution and not kept.attribution else ""


def _alike(given: str, license: str) -> bool:
    """Whether `given` is `license`, or a later version of it."""
    if given == license:
        return True
    old, new = terms(license), terms(given)
    same = re.sub(r"\d\.\d$", "", given) == re.sub(r"\d\.\d$", "", license)
    return bool(old and new and same and new.version > old.version > (0, 0))


def _follow(parties: Sequence[Party]) -> str:
    """The least restrictive licence of `parties` that keeps to those of all."""
    for one in parties:
        if one.license is None or terms(one.license) is None:
            raise PublishError(
                f"expected the licence of {one.name}, found {one.license or 'none'}",
                "look it up, and say with --license what you publish under",
            )
        if _broken(one.license, one.license):
            raise PublishError(
                f"expected data that may be translated, found {one.license} for {one.name}",
                "publish only with its owner's leave, and a --license that says so",
            )
    licences = [one.license for one in parties if one.license is not None]
    if not licences:
        raise PublishError(
            "expected the licence of the data, found none",
            "say with --license what you publish under",
        )
    for candidate in sorted(licences, key=_rank):
        if candidate in on_hub() and not any(_broken(candidate, other) for other in licences):
            return candidate
    listed = "; ".join(f"{one.name}: {one.license} ({terms(one.license or '')})" for one in parties)
    raise PublishError(
        f"expected licences that go together, found {listed}",
        "no licence keeps to all of them; choose with --license: that of the source may be kept, "
        "and the card will say what is freer than the model's",
    )


def _rank(license: str) -> tuple[bool, bool, bool, tuple[int, int]]:
    found = terms(license) or Terms()
    newest = (-found.version[0], -found.version[1])
    return (found.non_commercial, found.share_alike, found.attribution, newest)
