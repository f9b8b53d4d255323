"""`armillary doctor`: what is missing on this machine, and the command that mends it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from components.common.errors import EngineError, StoreError
from pipelines.home import home
from pipelines.stores import open_store
from pipelines.terminal import open_console, print_table, say

_GIB = 1 << 30
_DISK_GIB, _MEMORY_GIB = 5.0, 4.0
_MEND_PACKAGES = "make setup, or: pip install --constraint constraints.txt --editable '.[cli,dev]'"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    name, state : str
        What was looked at, and how it is.
    good : bool
        Whether it is as it should be.
    essential : bool
        Whether `armillary run` needs it.
    remedy : str
        The command that mends it.
    """

    name: str
    state: str
    good: bool
    essential: bool
    remedy: str


def doctor() -> int:
    """Print all findings; return 1 when something essential is missing, else 0."""
    findings = [check() for check in CHECKS]
    rows = [
        [
            finding.name,
            "ok" if finding.good else "MISSING" if finding.essential else "not here",
            finding.state,
            "" if finding.good else finding.remedy,
        ]
        for finding in findings
    ]
    console = open_console()
    print_table(console, ["what", "", "state", "how to mend it"], rows)
    broken = [finding.name for finding in findings if finding.essential and not finding.good]
    say(
        console,
        f"Mend first: {', '.join(broken)}." if broken else "Everything that `armillary run` needs is here.",
    )
    return 1 if broken else 0


def check_python() -> Finding:
    """Look for the one minor version that the locked packages are for."""
    good = sys.version_info[:2] == (3, 11)
    return Finding("python", sys.version.split()[0], good, True, "make setup PYTHON=/path/to/python3.11")


def check_packages() -> Finding:
    """Look for all that the distribution requires, in versions that it allows."""
    wrong = []
    for requirement in map(Requirement, requires("armillary") or []):
        if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in ("", "cli")):
            continue
        try:
            if not requirement.specifier.contains(version(requirement.name).partition("+")[0], prereleases=True):
                wrong.append(f"{requirement.name} {version(requirement.name)}")
        except PackageNotFoundError:
            wrong.append(requirement.name)
    state = f"missing or of another version: {', '.join(wrong)}" if wrong else "all there"
    return Finding("packages", state, not wrong, True, _MEND_PACKAGES)


def check_disk() -> Finding:
    """Look for room for the runs and the store."""
    existing = next(folder for folder in (home(), *home().parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free / _GIB
    state = f"{free:.1f} GiB free at {existing}"
    return Finding(
        "disk",
        state,
        free >= _DISK_GIB and os.access(existing, os.W_OK),
        True,
        f"free {_DISK_GIB:g} GiB there, or set ARMILLARY_HOME to a folder on another disk",
    )


def check_memory() -> Finding:
    """Look for room for the demo preset."""
    available = psutil.virtual_memory().available / _GIB
    return Finding(
        "memory",
        f"{available:.1f} GiB available",
        available >= _MEMORY_GIB,
        True,
        "end other programs, or run a smaller preset: armillary run quasar-redshift --preset smoke",
    )


def check_store() -> Finding:
    """Open the store that a run would use: it must start, find a port and take the credentials."""
    try:
        with open_store() as opened:
            kind = "embedded" if opened.embedded else "from AWS_ENDPOINT_URL"
            return Finding("store", f"{opened.store.endpoint} ({kind})", True, True, "")
    except StoreError as error:
        return Finding("store", error.problem, False, True, error.remedy)


def check_accelerator() -> Finding:
    """Look for a GPU, which only `full` asks for; torch itself is not imported, for that takes seconds."""
    devices = sorted(Path("/dev").glob("nvidia[0-9]*"))
    built = "cpu" not in version("torch") if find_spec("torch") else False
    state = f"{len(devices)} device(s), torch {version('torch') if find_spec('torch') else 'missing'}"
    remedy = "not needed for smoke and demo; for full: a CUDA build, pip install torch==2.13.0"
    return Finding("gpu", state, bool(devices) and built, False, remedy)


def check_chromium() -> Finding:
    """Look for the browser of the report's tests."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return Finding("chromium", program or "none", bool(program), False, "apt-get install chromium (tests only)")


def check_engine() -> Finding:
    """Ask the Docker engine for its version; only `--runner docker` and the images need one."""
    from pipelines.docker_engine import connect

    try:
        client = connect()
    except EngineError as error:
        return Finding("docker engine", error.problem, False, False, f"apt-get install docker.io; {error.remedy}")
    try:
        return Finding("docker engine", f"version {client.version()['Version']}", True, False, "")
    finally:
        client.close()


def check_images() -> Finding:
    """Look for the images of this very code."""
    from components.common.component import image_name
    from pipelines.docker_engine import connect, image_tags

    remedy = "for --runner docker: make images IMAGES=cpu, or add --dev to use an image of other code"
    try:
        client = connect()
    except EngineError:
        return Finding("images", "no engine to have them", False, False, remedy)
    try:
        there = image_tags(client)
    finally:
        client.close()
    cpu, gpu = image_name("cpu"), image_name("gpu")
    if cpu in there:
        return Finding("images", cpu if gpu in there else f"{cpu}, which serves for gpu too", True, False, "")
    others = [tag for tag in there if tag.startswith("armillary-python-")]
    state = f"none of this code; the newest is {others[0]}" if others else "none"
    return Finding("images", state, False, False, remedy)


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python,
    check_packages,
    check_disk,
    check_memory,
    check_store,
    check_accelerator,
    check_chromium,
    check_engine,
    check_images,
)
