"""Where something is: a file, a folder, a folder of ours, a repository on the Hub, or nowhere.

    place = Place.of("~/faq.csv")
    if place.exists:
        read(place.path)

All that a user names goes through here: `pathlib` raises for names that are too long, for homes of
users that do not exist, and for what lies in a folder that cannot be read.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qa_parallel.errors import StoreError

# What makes a folder one of ours: the settings, written first, and the manifest, written last.
SETTINGS = "settings.json"
MANIFEST = "manifest.json"
# What is built in, where an encoder or a translation model is asked for.
DEMO = "demo"

Kind = Literal["file", "folder", "ours", "hub", "nothing"]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Place:
    """What stands where a text says.

    Attributes
    ----------
    text:
        As the user wrote it.
    path:
        The same with the home in place of `~`; of a Hub id, what is not there.
    kind:
        "ours" is a folder that a stage of ours made, or began to make. "hub" has the form of a Hub
        id; whether it is there only the Hub knows.
    trouble:
        Why there is nothing, in a few words; empty where it is merely not there.

    Examples
    --------
    >>> Place.of("facebook/nllb-200-distilled-600M").kind
    'hub'
    >>> print(Place.of("~nosuchuser/faq.csv"))
    '~nosuchuser/faq.csv' (no such user)
    """

    text: str
    path: Path
    kind: Kind
    trouble: str = ""

    @classmethod
    def of(cls, name: str | Path) -> Place:
        """The place that `name` says; never raises. A path wins over a Hub id."""
        text, path = str(name), home(name)
        mode, why = _look(path)
        if not mode:
            is_hub_id = not why and _HUB_ID.fullmatch(text)
            return cls(text, path, "hub" if is_hub_id else "nothing", why)
        if not stat.S_ISDIR(mode):
            return cls(text, path, "file")
        ours = any(is_file(path / mark) for mark in (SETTINGS, MANIFEST))
        return cls(text, path, "ours" if ours else "folder")

    @property
    def exists(self) -> bool:
        """Whether there is a file or a folder."""
        return self.is_file or self.is_folder

    @property
    def is_file(self) -> bool:
        return self.kind == "file"

    @property
    def is_folder(self) -> bool:
        """Whether there is a folder that can be read, ours or not."""
        return self.kind in ("folder", "ours")

    @property
    def is_hub_id(self) -> bool:
        return self.kind == "hub"

    def __str__(self) -> str:
        """The text in quotes, and why there is nothing: the end of an error's "found …"."""
        return f"{self.text!r} ({self.trouble})" if self.trouble else repr(self.text)


def home(name: str | Path) -> Path:
    """`name` with the home of the user in place of `~`; as it is where there is none.

    >>> home("~nosuchuser/faq.csv").as_posix()
    '~nosuchuser/faq.csv'
    """
    return Path(os.path.expanduser(name))  # noqa: PTH111 - pathlib's own raises


def is_file(path: Path) -> bool:
    """Whether there is a file, as `Path.is_file`, which raises where it cannot tell."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether there is a folder that can be read."""
    return stat.S_ISDIR(_look(path)[0])


def same(one: Path, other: Path) -> bool:
    """Whether both are one file or folder, there or not."""
    try:
        return one.resolve() == other.resolve()
    except (OSError, ValueError, RuntimeError):  # what has no path is the same as nothing
        return False


def refuse_unwritable(path: Path, option: str = "--out") -> None:
    """StoreError where nothing can be written at `path`, which `option` named; before any work."""
    why = _look(path)[1]
    if _CONTROL.search(str(path)):
        why = "a control character in the name"
    if why:
        raise StoreError(f"cannot write {str(path)!r}: {why}", f"choose another {option}")


def _look(path: Path) -> tuple[int, str]:
    """The mode of what is there, and why there is nothing; 0 and no reason where nothing is."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
            # whether what lies in it can be reached; pathlib would leave the dot out
            os.stat(os.path.join(path, "."))  # noqa: PTH116, PTH118
    except FileNotFoundError:
        return 0, "no such user" if str(path).startswith("~") else ""
    except OSError as error:
        return 0, (error.strerror or str(error)).lower()
    except ValueError:
        return 0, "no path has such characters"
    return mode, ""
