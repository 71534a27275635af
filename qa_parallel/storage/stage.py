"""What a stage is, to all who list stages: a name, what it leaves behind, and how that is told.

Each package of a stage ends its stage.py with a row, STAGE = Stage(...); `qa_parallel.stages` is
the table of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job

if TYPE_CHECKING:
    from rich.console import RenderableType

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Tools:
    """What stages are given besides their settings.

    Attributes
    ----------
    reporter:
        Who is told how the translation goes, a `translation.runner.Reporter`.
    workers:
        Threads and processes of the filters.
    tell, warn:
        Told in a few words what is being done; what the user should know of.
    """

    reporter: Any
    workers: int = 1
    tell: Tell = lambda _: None
    warn: Tell = lambda _: None


@dataclass(frozen=True)
class Context:
    """What a stage is made ready from in a recipe.

    Attributes
    ----------
    title:
        What the recipe is called.
    tables:
        Its settings by the names of its tables; a stage's own ones have the name of the stage.
    reads:
        The folder of what the stage reads. None: the stage reads nothing that is made before it.
    """

    title: str
    tables: Mapping[str, Any]
    reads: Path | None
    tools: Tools

    @property
    def input(self) -> Path:
        """The folder of what is read, of a stage that reads one.

        Raises
        ------
        TypeError
            The stage reads none, says its row.
        """
        if self.reads is None:
            raise TypeError("expected a stage that reads what another one made")
        return self.reads


@dataclass(frozen=True)
class RecipeStep:
    """How a recipe runs a stage.

    Attributes
    ----------
    folder:
        Where its outcome goes, in the folder of the recipe.
    prepare:
        Reads the input and describes the job.
    reads:
        What it reads of what other stages made, as they call it in `Stage.makes`: the last one of
        that kind before it. None: nothing.
    ready:
        Whether `prepare` has nothing to fetch or to convert first.
    hands_on:
        Whether with these settings, those of its table, later stages read what it makes.
    refuse:
        Raises where the outcome is to stop the recipe.
    """

    folder: str
    prepare: Callable[[Context], Job]
    reads: str | None = None
    ready: Callable[[Mapping[str, Any]], bool] = lambda tables: True
    hands_on: Callable[[Any], bool] = lambda settings: True
    refuse: Callable[[Outcome], None] = lambda outcome: None


@dataclass(frozen=True)
class Stage:
    """A stage of the road from data to a trained encoder.

    Attributes
    ----------
    name:
        Of its command, of its table in a recipe, of its settings in settings.json and in the
        manifest, and what both say as "stage".
    title:
        Of its part of the page.
    makes:
        The "kind" that its manifest tells: "corpus", "plan", "evaluation" …
    words:
        A manifest to a sentence or two for the page. It makes do with one that lacks keys.
    brief:
        An outcome to a few words, for a table with a row for each stage.
    summary:
        An outcome to what a terminal is to show of it; a plain string is a line that is not folded.
    keeps:
        What need not be made again where a folder is replaced, a few words for the message that
        asks for --overwrite: "known vectors stay in the cache". Empty: nothing.
    files:
        What the page reads in its folder, besides the files that the manifest lists.
    recipe:
        How a recipe runs it. None: no recipe does.
    """

    name: str
    title: str
    makes: str
    words: Callable[[Mapping[str, Any]], str]
    brief: Callable[[Outcome], str]
    summary: Callable[[Outcome], Iterator[RenderableType]]
    keeps: str = ""
    files: tuple[str, ...] = ()
    recipe: RecipeStep | None = None
