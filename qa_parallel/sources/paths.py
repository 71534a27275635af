"""Where a value stands in a record: `answers.text.0`, `turns[*].question`, `answer1+answer2`.

A path is keys and list indices, parted by dots; `[*]`, or `*` between dots, is every item of a
list; several paths with `+` between them are all of them. A list or dictionary that was written as
text is read on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qa_parallel.sources.literals import parse_literal

Path = tuple[str, ...]
EACH = "*"
ALL = "+"


def parse_path(text: str) -> Path:
    """The keys of a path.

    >>> parse_path("turns[*].question"), parse_path("answers.text.0"), parse_path("a[0]")
    (('turns', '*', 'question'), ('answers', 'text', '0'), ('a', '0'))
    >>> parse_path("link+number")
    ('+', 'link', 'number')
    """
    if ALL in text:
        return ALL, *(part for part in text.split(ALL) if part)
    return tuple(part for part in re.sub(r"\[(\*|\d+)\]", r".\1", text).split(".") if part)


def path_words(path: Sequence[str]) -> str:
    """A path as a person writes it.

    >>> path_words(("turns", "*", "question"))
    'turns[*].question'
    """
    if path[:1] == (ALL,):
        return ALL.join(path[1:])
    return ".".join(path).replace(f".{EACH}", f"[{EACH}]")


def opened(value: Any) -> Any:
    """A list or dictionary that was written as text as what it is; anything else as it stands."""
    if isinstance(value, str):
        found = parse_literal(value)
        return value if found is None else found
    return value


def dig(value: Any, path: Sequence[str]) -> Any:
    """Follow keys and list indices; None where one is missing. `*` makes a list of what follows."""
    if len(path) == 1 and isinstance(value, dict):  # nearly every path
        return value.get(path[0])
    if path[:1] == (ALL,):
        return [dig(value, parts_of(value, part)) for part in path[1:]]
    for place, key in enumerate(path):
        value = opened(value)
        if key == EACH:
            items = value if isinstance(value, list) else [] if value is None else [value]
            return [dig(item, path[place + 1 :]) for item in items]
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def parts_of(record: Any, text: str) -> Path:
    """One of several paths: a column of that very name, or a path."""
    return (text,) if isinstance(record, Mapping) and text in record else parse_path(text)


def columns_of(path: Path) -> set[str]:
    """The columns that a path begins in."""
    if path[:1] == (ALL,):
        return {part for text in path[1:] for part in (text, *parse_path(text)[:1])}
    return set(path[:1])


def leads_somewhere(value: Any, path: Sequence[str]) -> bool:
    """Whether the path exists here; an empty list may hold anything in other records."""
    if path[:1] == (ALL,):
        return all(leads_somewhere(value, parts_of(value, part)) for part in path[1:])
    for place, key in enumerate(path):
        value = opened(value)
        if key == EACH:
            rest = path[place + 1 :]
            return isinstance(value, list) and (
                not value or any(leads_somewhere(item, rest) for item in value)
            )
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"\d+", key):
            if int(key) >= len(value):
                return True
            value = value[int(key)]
        else:
            return False
    return True


def inner_paths(value: Any, depth: int = 3) -> Iterator[Path]:
    """Paths into a value that end in a text, lists by `*`, the shallowest first."""
    value = opened(value)
    if isinstance(value, str) and value.strip():
        yield ()
    elif depth and isinstance(value, Mapping):
        found = [(str(key), *rest) for key in value for rest in inner_paths(value[key], depth - 1)]
        yield from sorted(found, key=len)
    elif depth and isinstance(value, list):
        for item in value[:1]:
            yield from ((EACH, *rest) for rest in inner_paths(item, depth - 1))
