"""Lists and dictionaries that were written as text: JSON, and what Python and numpy print.

A table that went through pandas holds `{'text': array(['Bern'], dtype=object)}` or `['a' 'b']`
where it held a value once. Nothing is evaluated: what is not plain data is no literal.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[\[\](){},:=])
      |(?P<text>[buBU]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
      |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      |(?P<name>[A-Za-z_][\w.]*))""",
    re.VERBOSE | re.DOTALL,
)
_NAMES: dict[str, Any] = {
    **dict.fromkeys(("None", "null", "nan", "NaN", "NaT")),
    **{"True": True, "true": True, "False": False, "false": False},
}
# What may stand around a value: array([...], dtype=object), np.str_('a')
_WRAPPER = re.compile(r"(np|numpy)\.\w+|array|list|tuple")
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_ENDS = re.compile(r"\s*(?:[\[{]|array\()")


def parse_literal(text: str) -> list[Any] | dict[Any, Any] | None:
    """The list or dictionary that a text is written as; None where it is none.

    Examples
    --------
    >>> parse_literal('["Webuye"]'), parse_literal("['Denver' 'Broncos']")
    (['Webuye'], ['Denver', 'Broncos'])
    >>> parse_literal("{'text': array(['1920s'], dtype=object), 'answer_start': array([159])}")
    {'text': ['1920s'], 'answer_start': [159]}
    >>> parse_literal("[citation needed]") is None
    True
    """
    if not _ENDS.match(text) or text.rstrip()[-1:] not in "]})":
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = _Parser(text).whole()
        except (ValueError, SyntaxError, RecursionError):
            return None
    return found if isinstance(found, list | dict) else None


class _Parser:
    """Recursive descent over `_TOKEN`; commas may be missing, as numpy prints its arrays."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0
        self._kind, self._token = "", ""
        self._next()

    def whole(self) -> Any:
        value = self._value()
        if self._kind != "end":
            raise ValueError(f"more after the value: {self._token}")
        return value

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._place)
        if match:
            self._place = match.end()
            self._kind = match.lastgroup or ""
            self._token = match[self._kind]
        elif self._text[self._place :].strip():
            raise ValueError(f"no literal at {self._place}")
        else:
            self._kind, self._token = "end", ""

    def _take(self, mark: str) -> bool:
        if self._kind == "mark" and self._token == mark:
            self._next()
            return True
        return False

    def _need(self, mark: str) -> None:
        if not self._take(mark):
            raise ValueError(f"expected {mark}, found {self._token!r}")

    def _value(self) -> Any:
        kind, token = self._kind, self._token
        self._next()
        if kind in ("text", "number"):
            value = ast.literal_eval(token)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if kind == "name":
            return self._named(token)
        if kind == "mark" and token == "{":
            return self._pairs()
        if kind == "mark" and token in "[(":
            return self._items(_CLOSING[token])
        raise ValueError(f"no value: {token!r}")

    def _items(self, end: str) -> list[Any]:
        items = []
        while not self._take(end):
            items.append(self._value())
            self._take(",")
        return items

    def _pairs(self) -> dict[Any, Any]:
        pairs = {}
        while not self._take("}"):
            key = self._value()
            if isinstance(key, list | dict):
                raise ValueError("a key is a list")
            self._need(":")
            pairs[key] = self._value()
            self._take(",")
        return pairs

    def _named(self, name: str) -> Any:
        if name in _NAMES:
            return _NAMES[name]
        if not _WRAPPER.fullmatch(name):
            raise ValueError(f"no value: {name}")
        self._need("(")
        value = self._value()
        while self._take(","):  # dtype=object, shape=(2,)
            if self._kind == "mark" and self._token == ")":
                break
            if self._kind != "name":
                raise ValueError("several values")
            self._next()
            self._need("=")
            if self._kind == "name":
                self._next()
            else:
                self._value()
        self._need(")")
        return value
