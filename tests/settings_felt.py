"""Whether settings are felt: each is changed in a small run, and the outcome is looked at.

A test file has a table for a class of settings, and is asked for each of its fields:

    @pytest.mark.parametrize("field", BatchSettings.model_fields)
    def test_every_setting_is_felt(felt: Felt, field: str) -> None:
        felt.judge(field)

A field that the table does not have fails: it may be one that nothing reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

# What a run came to, in parts by name: anything that can be compared.
Outcome = Mapping[str, Any]
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class To:
    """Another value of a field, and where that is seen.

    Attributes
    ----------
    value:
        What the field is changed to.
    within:
        Other settings that are given before and after, without which the field says nothing.
    parts:
        Parts of the outcome that must all be another one. None: any part.
    same:
        Parts that must not change.
    """

    value: Any
    within: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    same: tuple[str, ...] = ()


@dataclass
class Felt:
    """What is known of each field of a class of settings.

    Attributes
    ----------
    run:
        A small run with such settings.
    base:
        What is changed: values that are not the defaults.
    fields:
        How the outcome of each field becomes another one.
    silent:
        Fields of which the outcome must not become another one: where and how fast, never what.
    elsewhere:
        Fields whose effect is too dear to be shown here, with the test that shows it, as in
        "tests/integration/test_ray.py::test_name".
    """

    settings: type[BaseModel]
    run: Callable[[Any], Outcome]
    base: Mapping[str, Any]
    fields: Mapping[str, To]
    silent: Mapping[str, To] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    _known: dict[str, Outcome] = field(default_factory=dict)

    def outcome(self, values: Mapping[str, Any]) -> Outcome:
        """The outcome with these settings beside `base`; equal ones are run once."""
        key = json.dumps(dict(sorted(values.items())), default=str)
        if key not in self._known:
            self._known[key] = self.run(self.settings.model_validate({**self.base, **values}))
        return self._known[key]

    def judge(self, name: str) -> None:
        """Fail unless the field does what its table says."""
        tables = [self.fields, self.silent, self.elsewhere]
        called = f"{self.settings.__name__}.{name}"
        known = [table for table in tables if name in table]
        assert len(known) == 1, f"{called}: a setting that nobody can feel, or in two tables"
        if name in self.elsewhere:
            path, _, test = self.elsewhere[name].partition("::")
            assert f"def {test}(" in (ROOT / path).read_text(), f"{called}: {path} has no {test}"
            return
        change = known[0][name]
        assert isinstance(change, To)
        before = self.outcome(change.within)
        after = self.outcome({**change.within, name: change.value})
        moved = {part for part in {*before, *after} if before.get(part) != after.get(part)}
        if name in self.silent:
            assert not moved, f"{called} = {change.value!r} changed {sorted(moved)}"
            return
        assert moved, f"{called} = {change.value!r} changed nothing: nobody can feel it"
        left = set(change.parts) - moved
        assert not left, f"{called} = {change.value!r} changed {sorted(moved)}, not {sorted(left)}"
        too_many = moved & set(change.same)
        assert not too_many, f"{called} = {change.value!r} changed {sorted(too_many)}, too"
