"""What is made again, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from qa_parallel.errors import SourceError, StoreError
from qa_parallel.storage import folders, store
from qa_parallel.storage.jobs import Job, carry_out, description, look


class Letters:
    """Jobs that write a letter; counts how often."""

    def __init__(self) -> None:
        self.made = 0

    def job(self, letter: str = "a", corpus: str = "c@1", code: int = 1, **more: Any) -> Job:
        corpora = {"name": corpus, "digest": corpus}
        described = description("write", code, {"letter": letter}, corpus=corpora)

        def make(out: Path) -> dict[str, Any]:
            self.made += 1
            store.write_bytes(out / "letter.txt", letter.encode())
            return {"kind": "letter", "files": {"letter.txt": store.record(out / "letter.txt")}}

        return Job(described, make, **more)


def test_a_job_is_done_once(tmp_path: Path) -> None:
    letters = Letters()
    assert look(letters.job(), tmp_path / "out").reasons == ("no output yet",)
    assert not (tmp_path / "out").exists()
    first = carry_out(letters.job(), tmp_path / "out")
    assert not first.complete_before
    assert look(letters.job(), tmp_path / "out").complete
    again = carry_out(letters.job(), tmp_path / "out", "changed")
    assert again.complete_before
    assert again.manifest == first.manifest
    assert letters.made == 1
    carry_out(letters.job(), tmp_path / "out", "always")
    assert letters.made == 2


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"letter": "b"}, 'letter changed "a" → "b"'),
        ({"corpus": "c@2"}, "its input changed"),
        ({"code": 2}, "its code changed"),
    ],
)
def test_what_changed_is_made_again_or_refused(
    tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    letters = Letters()
    carry_out(letters.job(), tmp_path)
    assert look(letters.job(**changed), tmp_path).reasons == (why,)
    with pytest.raises(StoreError, match="was made with other settings"):
        carry_out(letters.job(**changed), tmp_path)
    carry_out(letters.job(**changed), tmp_path, "changed")
    assert letters.made == 2
    assert (tmp_path / "letter.txt").read_text() == changed.get("letter", "a")


@pytest.mark.parametrize(("keeps", "said"), [("", ""), ("the ink stays", r" \(the ink stays\)")])
def test_what_is_kept_is_told_where_other_settings_are_refused(
    keeps: str, said: str, tmp_path: Path
) -> None:
    letters = Letters()
    carry_out(letters.job(keeps=keeps), tmp_path)
    with pytest.raises(StoreError, match=f"choose another --out, or --overwrite{said}$"):
        carry_out(letters.job("b", keeps=keeps), tmp_path)


def test_the_reasons_of_the_broken(tmp_path: Path) -> None:
    letters = Letters()
    carry_out(letters.job(), tmp_path)
    (tmp_path / "letter.txt").write_text("")
    assert look(letters.job(), tmp_path).reasons == ("one of its files is missing or cut short",)
    (tmp_path / "manifest.json").unlink()
    assert look(letters.job(), tmp_path).reasons == ("it was not finished",)
    carry_out(letters.job(), tmp_path, "changed")
    assert (tmp_path / "letter.txt").read_text() == "a"


def test_equal_input_that_came_about_in_another_way_is_told(tmp_path: Path) -> None:
    letters = Letters()
    carry_out(letters.job(input={"beam": 4}), tmp_path)
    done = carry_out(letters.job(input={"beam": 5}), tmp_path)
    assert done.complete_before
    assert letters.made == 1
    assert store.read_json(tmp_path / "manifest.json") == done.manifest
    assert done.manifest["input"] == {"beam": 5}


def test_the_folder_of_another_stage(tmp_path: Path) -> None:
    letters = Letters()
    carry_out(letters.job(), tmp_path)
    before = store.read_json(tmp_path / "manifest.json")
    other = Job(description("count", 1, {"to": 3}), lambda out: {"files": {}})
    with pytest.raises(
        StoreError, match=r"a folder that count made in .*, found one that write made"
    ):
        look(other, tmp_path)
    for redo in get_args(folders.Redo):
        with pytest.raises(StoreError, match="found one that write made"):
            carry_out(other, tmp_path, redo)
    assert store.read_json(tmp_path / "manifest.json") == before
    assert (tmp_path / "letter.txt").read_text() == "a"


def test_a_folder_without_a_stage_is_of_another_version(tmp_path: Path) -> None:
    store.write_json(tmp_path / "settings.json", {"made_by": folders.MADE_BY})
    with pytest.raises(StoreError, match="found one that another version of qa-parallel made"):
        look(Letters().job(), tmp_path)


def test_inner_folders_go_when_all_is_asked_for_anew(tmp_path: Path) -> None:
    letters = Letters()
    carry_out(letters.job(inner=("runs",)), tmp_path)
    store.write_bytes(tmp_path / "runs" / "1.txt", b"1")
    carry_out(letters.job("b", inner=("runs",)), tmp_path, "changed")
    assert (tmp_path / "runs" / "1.txt").exists()
    carry_out(letters.job("c", inner=("runs",)), tmp_path, "always")
    assert (tmp_path / "runs" / "1.txt").exists()
    carry_out(letters.job("c", inner=("runs",)), tmp_path, "always")
    assert not (tmp_path / "runs").exists()


def test_work_in_progress_is_gone_on_with_unless_settings_change(tmp_path: Path) -> None:
    def job(letter: str, fail: bool) -> Job:
        """Goes on from what it finds: a letter that was finished is not written again."""
        described = description("write", 1, {"letter": letter})

        def make(out: Path) -> dict[str, Any]:
            done = out / folders.WORK / "letter.txt"
            if not done.exists():
                store.write_bytes(done, letter.encode())
            if fail:
                raise SourceError("the source ends too early")
            store.rename(done, out / "letter.txt")
            return {"files": {"letter.txt": store.record(out / "letter.txt")}}

        return Job(described, make)

    for letter, redo in (("a", "changed"), ("b", "changed"), ("c", "always")):
        with pytest.raises(SourceError):
            carry_out(job(letter, fail=True), tmp_path, redo)  # type: ignore[arg-type]
        assert (tmp_path / folders.WORK / "letter.txt").read_text() == letter
    carry_out(job("d", fail=False), tmp_path, "changed")
    assert (tmp_path / "letter.txt").read_text() == "d"
    assert not list(tmp_path.glob(f"{folders.WORK}*"))


def test_a_failure_that_left_nothing_leaves_the_folder_free(tmp_path: Path) -> None:
    def fail(_: Path) -> dict[str, Any]:
        raise SourceError("expected rows, found none")

    job = Job(description("write", 1, {"letter": "a"}), fail)
    with pytest.raises(SourceError):
        carry_out(job, tmp_path)
    carry_out(Letters().job("b"), tmp_path)  # other settings than those that failed


def test_changes_are_told_by_name_and_briefly() -> None:
    old = {"sets": [{"name": "a", "digest": "1"}, {"name": "b", "digest": "2"}], "long": "x" * 99}
    new = {"sets": [{"name": "b", "digest": "3"}, {"name": "a", "digest": "1"}], "long": "y" * 99}
    assert list(folders.changes(old, new)) == ["sets.b changed", "long changed"]
    assert list(folders.changes({"limits": {"length": 3.0}}, {"limits": {"length": None}})) == [
        "limits.length changed 3 → null"
    ]
    assert list(folders.changes(old, old)) == []
