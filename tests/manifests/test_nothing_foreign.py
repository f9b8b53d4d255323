"""No registry's address and no secret stands in the manifests, images or documentation."""

import re
import subprocess
from pathlib import Path

import pytest
from rendered import ROOT

# Put together here, so that this file holds no such address itself.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("docker", "io/"),  # without the slash it is Debian's name of the engine
        ("ghcr", "io"),
        ("gcr", "io"),
        ("quay", "io"),
        ("nvcr", "io"),
        ("registry", "k8s", "io"),
        ("mcr", "microsoft", "com"),
        ("public", "ecr", "aws"),
        ("amazonaws", "com"),
        ("pypi", "org"),
        ("download", "pytorch", "org"),
    )
]
SECRETS = [
    r"minio123",
    r"AKIA[0-9A-Z]{16}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"(?i)(?:password|passwd|secret_?key|secret_access_key|token)[\"']?\s*[:=]\s*[\"']?(?!\$|<|%s|\.\.\.)[A-Za-z0-9+/]{8,}",
]


def texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "manifests", "docs", "images", "README.md", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    # A copy without git, as in a release: all files there are.
    files = [ROOT / name for name in listed] or [
        *(path for top in ("manifests", "docs", "images") for path in (ROOT / top).rglob("*") if path.is_file()),
        ROOT / "README.md",
        ROOT / "Makefile",
    ]
    return [path for path in files if path.suffix not in {".png", ".svg"} and path.is_file()]


@pytest.mark.parametrize("path", texts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_registry_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [host for host in REGISTRIES if host in text] == []


@pytest.mark.parametrize("path", texts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_secret_is_written_down(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [found[0] for pattern in SECRETS for found in re.finditer(pattern, text)] == []


@pytest.mark.parametrize(
    "line", ["secretkey: minio" + "123", "password=abcdefgh1", 'AWS_SECRET_ACCESS_KEY: "ab12' + 'cd34ef"']
)
def test_a_secret_would_be_found(line: str) -> None:
    assert any(re.search(pattern, line) for pattern in SECRETS)
