"""What was read as what, and what became of the rest: said in the terminal, kept in manifests.

question ← question 3,610/3,610 · answer ← answer 3,610 (first of up to 25; 2,880 further
answers kept beside) · passage ← none · left aside: positive_ctxs, negative_ctxs
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.sources.layouts import TEXTS, Layout, working_paths
from qa_parallel.sources.values import Reading

# Of the values of a column, how many may have no text to make of them, and are counted only.
_FEW = 0.02
# What a count of an account is called where a person reads it.
_SHOWN = ("title", "id", "negatives", "language")


@dataclass
class FieldAccount:
    """What was found of one field, counted in questions.

    Attributes
    ----------
    paths:
        Columns or paths that it was read from, several where files differ.
    found:
        Questions with a text, or with an id.
    further:
        Different texts beyond the first one of a question; `most` is how many one question has.
    missing:
        Words that stand for nothing, such as "nan" or "N/A".
    unread:
        Values of which no text could be made, and where the first one is.
    """

    paths: list[str] = field(default_factory=list)
    found: int = 0
    further: int = 0
    most: int = 0
    missing: int = 0
    unread: int = 0
    first_unread: str = ""


@dataclass
class Account:
    """The account of a source or an evaluation set.

    Attributes
    ----------
    rows:
        Questions that were looked at: records, or their turns.
    fields:
        Field → what was found of it.
    kept:
        Columns that are carried along.
    notes:
        What a reader had to settle, with counts: short rows, an encoding that was guessed.
    warnings:
        What is likely not meant: a text that looks like another language.
    """

    rows: int = 0
    fields: dict[str, FieldAccount] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    _unread: dict[str, tuple[str, Any]] = field(default_factory=dict, repr=False)
    _columns: dict[str, None] = field(default_factory=dict, repr=False)
    _read: set[str] = field(default_factory=set, repr=False)

    def lay(self, layout: Layout, columns: Iterable[str], left: Sequence[str] = ()) -> None:
        """Take a layout on record: its paths, and which of the columns it leaves aside.

        Parameters
        ----------
        left:
            Fields that are not taken here, though the layout knows them.
        """
        for name in (*layout.paths, *TEXTS):
            words = layout.words(name) if name not in left else ""
            known = self.fields.setdefault(name, FieldAccount()).paths
            if words and words not in known:
                known.append(words)
        self._read |= layout.columns(left)
        self.kept = list(dict.fromkeys([*self.kept, *layout.keep]))
        self.lay_columns(columns)

    def lay_columns(self, columns: Iterable[str]) -> None:
        """Take columns on record, which a later record may be the first to have."""
        self._columns.update(dict.fromkeys(map(str, columns)))

    @property
    def aside(self) -> list[str]:
        """Columns that nothing was read from."""
        return [name for name in self._columns if name not in self._read]

    def see(self, name: str, reading: Reading, where: str, value: Any) -> None:
        """Count what one value gave."""
        one = self.fields.get(name) or self.fields.setdefault(name, FieldAccount())
        different = len(reading.texts)
        if different > 1:
            different = len({text.text.strip() for text in reading.texts})
        one.found += bool(different)
        one.further += max(0, different - 1)
        one.most = max(one.most, different)
        one.missing += reading.said_none
        if reading.unread:
            one.unread += 1
            one.first_unread = one.first_unread or where
            self._unread.setdefault(name, (where, value))

    def refuse_unread(self) -> None:
        """SourceError where a column has values, more than a few, of which no text can be made."""
        for name in TEXTS:
            one = self.fields.get(name)
            if one is None or one.unread <= _FEW * (one.found + one.unread):
                continue
            where, value = self._unread[name]
            column = one.paths[0].partition(".")[0].partition("[")[0]
            inner = working_paths(value, column)
            hint = f"columns {name}={inner[0]}" if inner else f"columns {name}=NAME"
            others = f" (or {', '.join(inner[1:])})" if inner[1:] else ""
            raise SourceError(
                f"expected a text as {name} in the column {one.paths[0]}, found {_shown(value)} at "
                f"{where}, and such in {one.unread:,} of {self.rows:,} rows",
                f"say where it is: {hint}{others}; or leave the column out: columns {name}=",
            )

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold, with the words for a person."""
        told = _plain(self)
        return {**told, "words": layout_words(told)}


def layout_words(account: Account | Mapping[str, Any]) -> str:
    """One line that tells what was read as what; of a manifest's account as well.

    Examples
    --------
    >>> account = Account(rows=2)
    >>> account.lay_columns(["url"])
    >>> account.fields["question"] = FieldAccount(["Frage"], found=2)
    >>> account.fields["answer"] = FieldAccount(["answers"], found=2, further=3, most=4)
    >>> print(layout_words(account))
    question ← Frage 2/2 · answer ← answers 2 (first of up to 4; 3 further answers kept beside) · \
passage ← none · left aside: url
    """
    told = _plain(account) if isinstance(account, Account) else account
    parts = [
        _field(name, told["fields"].get(name), told["rows"])
        for name in (*TEXTS, *_SHOWN)
        if name in TEXTS or told["fields"].get(name, {}).get("found")
    ]
    for label, names in (("kept", told["kept"]), ("left aside", told["aside"])):
        if names:
            parts.append(f"{label}: {', '.join(names)}")
    parts += [f"{note} {count:,}" if count else note for note, count in told["notes"].items()]
    parts += [f"warning: {warning}" for warning in told["warnings"]]
    return " · ".join(parts)


def _plain(account: Account) -> dict[str, Any]:
    return {
        "rows": account.rows,
        "fields": {name: asdict(one) for name, one in account.fields.items() if one.paths},
        "kept": account.kept,
        "aside": account.aside,
        "notes": dict(account.notes),
        "warnings": account.warnings,
    }


def _field(name: str, one: Mapping[str, Any] | None, rows: int) -> str:
    if not one or not one["paths"]:
        return f"{name} ← none"
    more = []
    if one["further"] and name == "answer":
        more.append(f"first of up to {one['most']}")
        more.append(f"{one['further']:,} further answers kept beside")
    elif one["further"]:
        more.append(f"up to {one['most']} of a question, {one['further']:,} further")
    if one["missing"]:
        more.append(f"{one['missing']:,} such as nan or N/A read as none")
    if one["unread"]:
        more.append(f"no text in {one['unread']:,} values, first at {one['first_unread']}")
    count = f"{one['found']:,}" + (f"/{rows:,}" if name == "question" else "")
    words = f"{name} ← {' or '.join(one['paths'])} {count}"
    return f"{words} ({'; '.join(more)})" if more else words


def _shown(value: Any) -> str:
    """A value cut short, on one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
