"""The tag of the images: what changes it, and what does not."""

import shutil
from pathlib import Path

import pytest

from components.common.contents import content_hash, hash_contents

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy what the images are built from, and the pipelines, which are not among it."""
    for folder in ("components", "images", "pipelines"):
        shutil.copytree(_ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("constraints.txt", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copyfile(_ROOT / name, tmp_path / name)
    return tmp_path


def append(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("\n# an edit\n")


def test_a_copy_has_the_hash_of_the_checkout(checkout: Path) -> None:
    assert hash_contents(checkout) == hash_contents(_ROOT)


@pytest.mark.parametrize(
    "edited",
    [
        "components/physics/constants.py",
        "components/common/report.css",
        "components/train/conv1d/component.py",
        "constraints.txt",
        "pyproject.toml",
        "images/install.sh",
        "images/cpu/Dockerfile",
        "images/gpu/Dockerfile",
    ],
)
def test_an_edit_of_what_is_built_changes_the_tag(checkout: Path, edited: str) -> None:
    before = hash_contents(checkout)
    append(checkout / edited)
    assert hash_contents(checkout) != before


@pytest.mark.parametrize("edited", ["pipelines/quasar_redshift.py", "README.md", "images/README.md"])
def test_an_edit_of_what_is_not_built_leaves_the_tag(checkout: Path, edited: str) -> None:
    before = hash_contents(checkout)
    append(checkout / edited)
    assert hash_contents(checkout) == before


def test_files_that_come_go_or_move_change_the_tag(checkout: Path) -> None:
    hashes = [hash_contents(checkout)]
    (checkout / "components" / "common" / "new.py").touch()
    hashes.append(hash_contents(checkout))
    (checkout / "components" / "common" / "new.py").rename(checkout / "components" / "new.py")
    hashes.append(hash_contents(checkout))
    assert len(set(hashes)) == 3


def test_compiled_bytecode_leaves_the_tag(checkout: Path) -> None:
    before = hash_contents(checkout)
    (checkout / "components" / "__pycache__").mkdir()
    (checkout / "components" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    assert hash_contents(checkout) == before


def test_a_checkout_is_hashed_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_CONTENTS", "0" * 16)
    content_hash.cache_clear()
    assert content_hash() == hash_contents(_ROOT)
