"""A file or a folder has its name only when it is whole."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.common.errors import ArmillaryError
from components.common.files import disk_space, read_json, whole, write_json


def write_folder(path: Path, *, fail: bool = False) -> None:
    with whole(path) as part:
        (part / "deep").mkdir(parents=True)
        (part / "deep" / "a.txt").write_text("new")
        assert not path.exists() or not (path / "deep").exists()
        if fail:
            raise RuntimeError("half way")


def write_to_full_disk(path: Path) -> None:
    """/dev/full refuses every byte with ENOSPC; a link to it stands for the temporary file."""
    with whole(path) as part:
        part.symlink_to("/dev/full")
        part.write_text("x" * 100_000)


def test_parents_are_made(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b" / "c.json", {"x": 1})
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["c.json"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").write_text("old")
    write_folder(tmp_path / "model")
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*.txt"))] == ["model/deep/a.txt"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").write_text("old")
    with pytest.raises(RuntimeError):
        write_folder(tmp_path / "model", fail=True)
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == ["model", "model/old.txt"]


@pytest.fixture
def old_model(tmp_path: Path) -> Path:
    """A folder with two files."""
    (tmp_path / "model").mkdir()
    for name in ("one.txt", "two.txt"):
        (tmp_path / "model" / name).write_text("old")
    return tmp_path / "model"


def test_a_folder_is_not_there_by_half_while_the_old_one_is_deleted(
    old_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path, **_: object) -> None:
        next(folder.iterdir()).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("components.common.files.shutil.rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(old_model)
    assert [p.relative_to(old_model).as_posix() for p in old_model.rglob("*.txt")] == ["deep/a.txt"]


def test_a_folder_that_cannot_be_replaced_stays(old_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, failed = Path.replace, []

    def failing(path: Path, target: Path) -> Path:
        if target == old_model and not failed:
            failed.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_folder(old_model)
    assert sorted(p.name for p in old_model.iterdir()) == ["one.txt", "two.txt"]
    assert list(old_model.parent.iterdir()) == [old_model]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_disk_quota_and_size_limit_are_told_alike(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(ArmillaryError, match=r"disk is full: .*x\.parquet .*Free space on the disk that holds"),
        disk_space(tmp_path / "x.parquet"),
    ):
        raise OSError(number, os.strerror(number))


def test_other_failures_keep_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), disk_space(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ArmillaryError, match=r"The disk is full: .*x\.json.*No space left"):
        write_to_full_disk(tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"old": True})
    script = (
        "import os, signal, sys; from pathlib import Path; from components.common.files import whole\n"
        "with whole(Path(sys.argv[1])) as part: part.write_text('{'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "run.json")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_json(tmp_path / "run.json") == {"old": True}


def test_json_keeps_names_as_they_are_and_refuses_nan(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"γ Cas": [1, None]})
    assert "γ Cas" in path.read_text(encoding="utf-8")
    assert read_json(path) == {"γ Cas": [1, None]}
    with pytest.raises(ValueError, match="nan"):
        write_json(path, {"score": float("nan")})
    assert read_json(path) == {"γ Cas": [1, None]}


@pytest.mark.parametrize("content", [None, "", "{", "\udcff"])
def test_json_that_cannot_be_read_names_the_file(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ArmillaryError, match=r"x\.json cannot be read as JSON.*Run the stage"):
        read_json(path)


def test_json_is_for_other_readers_too(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1.5})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1.5}
