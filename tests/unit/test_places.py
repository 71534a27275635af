"""What stands where a text says, whatever the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel import places
from qa_parallel.errors import StoreError
from qa_parallel.places import Place


def test_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faq.csv").write_text("question\n")
    for name, mark in (("made", places.MANIFEST), ("begun", places.SETTINGS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / mark).write_text("{}")
    (tmp_path / "org" / "name").mkdir(parents=True)
    kinds = {
        "faq.csv": "file",
        "~/faq.csv": "file",
        str(tmp_path / "faq.csv"): "file",
        "org": "folder",
        "~": "folder",
        "made": "ours",
        "begun": "ours",
        "org/name": "folder",  # a path wins
        "org/other": "hub",
        "other": "nothing",
        "/org/other": "nothing",
        "org/name/other": "nothing",
        "./org": "folder",
    }
    assert {text: Place.of(text).kind for text in kinds} == kinds
    assert Place.of("~/faq.csv").path == tmp_path / "faq.csv"
    assert str(Place.of("other")) == "'other'"


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("~nosuchuser/x", "no such user"),
        ("a" * 300, "file name too long"),
        (f"{'a' * 300}/x", "file name too long"),
        ("two\0words", "no path has such characters"),
        ("\ud800", "no path has such characters"),
        ("faq.csv/x", "not a directory"),
    ],
)
def test_what_pathlib_raises_for(
    name: str, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faq.csv").write_text("question\n")
    place = Place.of(name)
    assert (place.kind, place.trouble) == ("nothing", trouble)
    assert str(place) == f"{name!r} ({trouble})"
    assert not places.is_file(place.path)
    assert not places.is_folder(place.path)
    assert not places.same(place.path, tmp_path)
    with pytest.raises(StoreError, match="choose another --cache"):
        places.refuse_unwritable(place.path, "--cache")


def test_what_can_be_written(tmp_path: Path) -> None:
    places.refuse_unwritable(tmp_path)
    places.refuse_unwritable(tmp_path / "new" / "folder")
    with pytest.raises(StoreError, match=r"two\\nlines': a control character in the name"):
        places.refuse_unwritable(tmp_path / "two\nlines")
