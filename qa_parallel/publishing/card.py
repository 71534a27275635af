"""The card of a dataset: front matter that the Hub accepts, and what a reader has to know."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from qa_parallel.errors import LanguageError, PublishError
from qa_parallel.evaluation.measures import named
from qa_parallel.language_codes import LANGUAGES, parse
from qa_parallel.publishing import facts
from qa_parallel.publishing.facts import Counts
from qa_parallel.publishing.licences import Settled, on_hub
from qa_parallel.storage import store
from qa_parallel.text import counted

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATE = "dataset_card.md.jinja"
# Lower ends of the Hub's size categories, and their names.
_SIZES = (
    (0, "n<1K"), (1_000, "1K<n<10K"), (10_000, "10K<n<100K"), (100_000, "100K<n<1M"),
    (1_000_000, "1M<n<10M"), (10_000_000, "10M<n<100M"), (100_000_000, "100M<n<1B"),
    (1_000_000_000, "1B<n<10B"), (10_000_000_000, "10B<n<100B"),
    (100_000_000_000, "100B<n<1T"), (1_000_000_000_000, "n>1T"),
)  # fmt: skip
_CREATORS = ("machine-generated", "found", "crowdsourced", "expert-generated", "other")
_MULTILINGUALITY = ("monolingual", "multilingual", "translation", "other")
_TASKS = ("question-answering", "text-retrieval")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
# What changes the meaning of text in Markdown, and of HTML in it.
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
_NLLB = """@article{nllb2022,
  title = {No Language Left Behind: Scaling Human-Centered Machine Translation},
  author = {{NLLB Team} and Costa-juss{\\`a}, Marta R. and others},
  journal = {arXiv preprint arXiv:2207.04672},
  year = {2022}
}"""


class _Files(BaseModel):
    """Files of one split, as `datasets` reads them from a card."""

    model_config = ConfigDict(extra="forbid", strict=True)

    split: str = Field(pattern=r"^\w+(\.\w+)*$")
    path: str


class _Config(BaseModel):
    """What can be loaded by its name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    config_name: str
    default: bool = False
    data_files: list[_Files] = Field(min_length=1)


@dataclass(frozen=True)
class Contents:
    """What a card is written from.

    Attributes
    ----------
    repo, split:
        Where the data goes, "org/name"; the split of its files.
    lineage:
        Manifests of the stages of the corpus, the first one first.
    counts:
        What was counted in the rows, by language, in the order of the corpus.
    settled:
        The licence.
    checks:
        Checks for leakage, as `facts.checks` gives them.
    plan:
        Manifest of a plan of batches that goes along; None where there is none.
    results:
        RESULTS rows of evaluations, as dicts.
    """

    repo: str
    split: str
    lineage: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Counts]
    settled: Settled
    checks: Sequence[Mapping[str, Any]] = ()
    plan: Mapping[str, Any] | None = None
    results: Sequence[Mapping[str, Any]] = ()

    @property
    def rows(self) -> int:
        """Rows in all languages."""
        return sum(one.rows for one in self.counts.values())

    @property
    def translated(self) -> bool:
        """Whether a model wrote any of it."""
        return any(one.translated for one in self.counts.values())


def write(contents: Contents) -> str:
    """The card as Markdown, checked.

    Raises
    ------
    PublishError
        The Hub would not take it.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, finalize=_escape, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.globals["counted"] = counted
    environment.filters |= {"code": _code, "quoted": _quoted, "plain": _plain, "fenced": _fenced}
    source = files("qa_parallel.publishing").joinpath(TEMPLATE).read_text("utf-8")
    card = environment.from_string(source).render(_told(contents))
    validate(card)
    return card


def front_matter(contents: Contents) -> dict[str, Any]:
    """The metadata of the card, by the Hub's names."""
    several = len(contents.counts) > 1
    hub = facts.hub_sources(contents.counts.values())
    parallel = "translation" if contents.translated else "multilingual"
    return {
        "pretty_name": _title(contents.repo),
        "language": list(dict.fromkeys(_hub_language(code) for code in contents.counts)),
        "language_bcp47": [_bcp47(code) for code in contents.counts],
        "license": contents.settled.license,
        "annotations_creators": ["found"],
        "language_creators": ["machine-generated" if contents.translated else "found"],
        "multilinguality": [parallel if several else "monolingual"],
        "size_categories": [_size(contents.rows)],
        **({"source_datasets": [f"extended|{name}" for name in hub]} if hub else {}),
        "task_categories": list(_TASKS),
        "tags": ["qa-parallel", "parallel-corpus"],
        "configs": [_config("all", "*", contents.split, default=True)]
        + [_config(code, code, contents.split) for code in contents.counts],
    }


def validate(card: str) -> None:
    """Check the front matter of a card of ours as the Hub and `datasets` do, without either.

    Raises
    ------
    PublishError
        The front matter cannot be read, or holds what the Hub does not take.
    """
    from huggingface_hub import DatasetCard

    try:
        data = DatasetCard(card).data
        configs = TypeAdapter(list[_Config]).validate_python(data.get("configs"))
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, ("configs", *wrong["loc"])))
        raise PublishError(
            f"expected a card that the Hub can read, found {place}: {wrong['msg']}"
        ) from None
    except Exception as error:  # YAML's own errors have no base class with the others
        raise PublishError(f"expected a card that the Hub can read, found: {error}") from None
    known: dict[str, Sequence[str] | frozenset[str]] = {
        "license": on_hub(),
        "language_creators": _CREATORS,
        "annotations_creators": _CREATORS,
        "multilinguality": _MULTILINGUALITY,
        "size_categories": [name for _, name in _SIZES],
        "task_categories": _TASKS,
    }
    for key, values in known.items():
        given = data.get(key)
        for value in given if isinstance(given, list) else [given]:
            if value not in values:
                raise PublishError(f"expected {key} that the Hub knows in the card, found {value}")
    unknown = [code for code in data.get("language") or [None] if not _is_language(code)]
    default = [one.config_name for one in configs if one.default]
    if unknown or default != ["all"]:
        raise PublishError(
            "expected languages of two or three letters and the configuration all by default in "
            f"the card, found {unknown[0] if unknown else ', '.join(default) or 'none'}"
        )


def _is_language(code: object) -> bool:
    return isinstance(code, str) and _LANGUAGE.fullmatch(code) is not None


def _told(contents: Contents) -> dict[str, Any]:
    """All that the template may use."""
    from huggingface_hub import DatasetCardData
    from markupsafe import Markup

    first = contents.lineage[0]
    model = store.portable(first.get("model"))
    return {
        "front": Markup(DatasetCardData(**front_matter(contents)).to_yaml()),
        "title": _title(contents.repo),
        "repo": contents.repo,
        "split": contents.split,
        "rows": contents.rows,
        "questions": _questions(contents),
        "languages": [_language(code, one) for code, one in contents.counts.items()],
        "sources": _sources(contents.counts),
        "read": _read(first),
        "model": model,
        "decoding": _decoding(first) if model else {},
        "funnel": [row for one in contents.lineage for row in _funnel(one)],
        "checks": contents.checks,
        "warnings": contents.settled.warnings,
        "notes": contents.settled.notes,
        "uneven": len({one.rows for one in contents.counts.values()}) > 1,
        "plan": _plan(contents.plan),
        "evaluations": [{**row, "measure": named(row["measure"])} for row in contents.results],
        "version": first["versions"]["qa-parallel"],
        "recipe": json.dumps(facts.resolved(contents.lineage), ensure_ascii=False, indent=2),
        "citation": _citation(contents.repo),
        "nllb": _NLLB if model and "nllb" in str(model["name"]).lower() else "",
    }


def _title(repo: str) -> str:
    return repo.rpartition("/")[2]


def _language(code: str, counts: Counts) -> dict[str, Any]:
    known = LANGUAGES[code]
    return {
        "code": code,
        "name": known.name.partition(" (")[0],
        "script": known.script_name,
        "right_to_left": known.right_to_left,
        "variable": re.sub(r"\W", "", known.name.partition(" (")[0].lower()) or "rows",
        "counts": counts,
        "placed": facts.share(counts.answers, "source", "exact", "fuzzy"),
        "exact": facts.share(counts.answers, "source", "exact"),
    }


def _hub_language(code: str) -> str:
    """ISO 639-1 where it means this language, else ISO 639-3: "ar" is arb_Arab, "arz" stays."""
    known = LANGUAGES[code]
    if known.iso639_1 is None:
        return known.iso639_3
    try:
        meant = parse(known.iso639_1)[:3]
    except LanguageError:  # one language in several scripts
        return known.iso639_1
    return known.iso639_1 if meant == known.iso639_3 else known.iso639_3


def _bcp47(code: str) -> str:
    return f"{_hub_language(code)}-{LANGUAGES[code].script}"


def _config(name: str, folder: str, split: str, default: bool = False) -> dict[str, Any]:
    files = [{"split": split, "path": f"data/{folder}/{split}-*.parquet"}]
    return {"config_name": name, **({"default": True} if default else {}), "data_files": files}


def _size(rows: int) -> str:
    return next(name for least, name in reversed(_SIZES) if rows >= least)


def _questions(contents: Contents) -> dict[str, int]:
    """How many questions there are, and how many in every language."""
    return dict(contents.lineage[-1]["questions"])


def _sources(counts: Mapping[str, Counts]) -> list[dict[str, Any]]:
    rows: dict[str, int] = {}
    for one in counts.values():
        for name, number in one.sources.items():
            rows[name] = rows.get(name, 0) + number
    return [
        {"name": store.portable(name), "rows": number, "url": _url(name)}
        for name, number in rows.items()
    ]


def _url(source: str) -> str | None:
    names = facts.hub_sources([Counts(sources={source: 1})])
    return f"https://huggingface.co/datasets/{names[0]}" if names else None


def _read(first: Mapping[str, Any]) -> dict[str, int] | None:
    """What a translation read, and why rows were left out; None for other origins."""
    found = first.get("source_counts", {})
    return found if "read" in found else None


def _decoding(first: Mapping[str, Any]) -> dict[str, Any]:
    left_out = ("to", "window_rows", "shard_rows", "restrict_vocabulary")
    return {name: value for name, value in first["translate"].items() if name not in left_out}


def _funnel(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table of what a filter rejected: a language, then its reasons."""
    if manifest["stage"] != "filter":
        return []
    table = []
    for code, one in manifest["source_counts"].items():
        table.append({"language": code, "reason": None, "rejected": one["rejected"],
                      "alone": None, "left": one["kept"]})  # fmt: skip
        for reason, counts in manifest.get("reasons", {}).get(code, {}).items():
            table.append({"language": code, "reason": reason, **counts})
    return table


def _plan(manifest: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if manifest is None:
        return None
    return {"strategy": manifest["build-batches"]["strategy"], "steps": manifest["steps"]}


def _citation(repo: str) -> str:
    key = re.sub(r"\W", "_", repo)
    return (
        f"@misc{{{key},\n  title = {{{_title(repo)}}},\n  author = {{{repo.partition('/')[0]}}},\n"
        f"  howpublished = {{\\url{{https://huggingface.co/datasets/{repo}}}}}\n}}"
    )


def _escape(value: Any) -> Any:
    """What any text of others becomes in Markdown: itself, on one line."""
    from markupsafe import Markup, escape

    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    line = re.sub(r"\s+", " ", value)
    return Markup(_MARKDOWN.sub(r"\\\1", str(escape(line))))


def _code(value: object) -> Markup:
    """`value` as inline code, whatever backticks it holds."""
    from markupsafe import Markup

    text = " ".join(str(value).split()).replace("|", "\\|")
    ticks = "`" * (_longest(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Markup(f"{ticks}{pad}{text}{pad}{ticks}")


def _fenced(value: str, language: str) -> Markup:
    """`value` as a block of code, whatever fences it holds."""
    from markupsafe import Markup

    ticks = "`" * max(3, _longest(value) + 1)
    return Markup(f"{ticks}{language}\n{value}\n{ticks}")


def _longest(text: str) -> int:
    """Backticks in the longest run of them."""
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _quoted(value: str) -> Markup:
    from markupsafe import Markup

    return Markup(json.dumps(value))


def _plain(value: str) -> Markup:
    """`value` as it is: only for what was made or checked here."""
    from markupsafe import Markup

    return Markup(value)
