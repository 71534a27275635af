"""Errors that a user can act on: each says what was expected, what was found, what to do."""

from __future__ import annotations

from typing import Any


class QAParallelError(Exception):
    """A mistake in what the user gave us; the CLI prints it as one line and exits with code 2.

    Parameters
    ----------
    message:
        What went wrong, in one sentence: what was expected and what was found.
    hint:
        What to do about it. Empty where the message says it all.

    Examples
    --------
    >>> str(QAParallelError("expected a file, found nothing at data.json", "check the path"))
    'expected a file, found nothing at data.json; check the path'
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())
        super().__init__(f"{self.message}; {self.hint}" if self.hint else self.message)


class SourceError(QAParallelError):
    """Input data that is missing, empty, broken or in a layout that is not known."""


class LanguageError(QAParallelError):
    """A language code that is unknown, ambiguous, or unknown to the model."""


class ModelError(QAParallelError):
    """A model that cannot be found, converted, loaded or trusted."""


class ExtraError(QAParallelError):
    """A library that is not installed, and comes with an extra of the package."""


class TrainingError(QAParallelError):
    """A training that cannot go on: a loss that is no number, too little memory, too few steps."""


class StoreError(QAParallelError):
    """An output folder that cannot be written, is locked, or belongs to other settings."""


class RecipeError(QAParallelError):
    """A recipe or a setting with an unknown key or an impossible value."""


class SettingError(RecipeError, TypeError):
    """A keyword that a verb of the Python API does not have."""


class PublishError(QAParallelError):
    """A corpus that cannot be published as it is, or a Hub that does not take it."""


class LeakageError(QAParallelError):
    """A corpus that holds questions of an evaluation set, where that was to be an error."""

    exit_code = 3
    # What was found, a `qa_parallel.results.Checked`, where a verb of the API raises.
    result: Any = None
