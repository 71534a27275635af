"""The page: one HTML file that needs nothing else, from the template and what is told to it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from qa_parallel.page.history import meaning
from qa_parallel.page.hits import kind
from qa_parallel.page.parts import tongue
from qa_parallel.pictures import style as picture_style
from qa_parallel.text import counted, duration, percent

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATE, STYLE, SCRIPT = "report.html.jinja", "report.css", "report.js"
# What would end a script element, or begin a comment in it; and two that end lines in scripts.
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render(contents: Mapping[str, Any]) -> str:
    """The page as HTML. All that is told is escaped; the texts of `contents["data"]` go into the
    page as JSON, which its script shows as text."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style, script = _part(STYLE) + picture_style(), _part(SCRIPT)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"json": embedded, "tongue": tongue, "meaning": meaning, "kind": kind}
    environment.globals |= {"percent": percent, "counted": counted, "duration": duration}
    page = environment.from_string(_part(TEMPLATE)).render(
        contents,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    # what was read from JSON may hold half a character, which no file can
    return page.encode("utf-8", "replace").decode("utf-8")


def embedded(value: Any) -> Markup:
    """`value` as JSON that cannot leave the script element that it stands in.

    >>> str(embedded("</script>"))
    '"\\\\u003c/script\\\\u003e"'
    """
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_UNSAFE))


def _part(name: str) -> str:
    return files("qa_parallel.page").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """As a Content-Security-Policy names the element that holds `text`."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
