"""Build the project's images with the Docker engine: `make images`, or `python images/build.py cpu`.

The base is what BASE names, else the stand-in of `make base-image` where there is one, else a slim Python.
pip's PIP_INDEX_URL and PIP_EXTRA_INDEX_URL reach both builds. PIP_FIND_LINKS reaches that of the CPU image alone,
because it is where the CPU build of torch comes from; a folder is served on loopback. With `--push REGISTRY`, what
was built is tagged for that registry and uploaded.
"""

import argparse
import functools
import http.server
import os
import subprocess
import sys
import threading
import time
import tomllib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.common.component import REGISTRY_VARIABLE, image_name
from components.common.contents import content_hash
from components.common.errors import ArmillaryError, EngineError, ParameterError

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("cpu", "gpu")
PORTABLE_BASE = "python:3.11-slim-bookworm"
LOCAL_BASE = "armillary-base:bookworm-python3.11"
INDEX_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
NO_CPU_TORCH = (
    "PIP_FIND_LINKS and PIP_EXTRA_INDEX_URL are not set: pip will take the CUDA build of torch, which works "
    "but makes the CPU image several GB large. Name PyTorch's index of CPU builds, or a folder with its wheel."
)


def build(kind: str, base: str, find_links: str) -> str:
    """Build one image and return its name."""
    name = image_name(kind)  # type: ignore[arg-type]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    arguments = {
        "BASE": base,
        "CONTENTS": content_hash(),
        "VERSION": project["version"],
        "REVISION": _output("git", "-C", str(ROOT), "rev-parse", "HEAD") or "unknown",
        "PIP_FIND_LINKS": find_links,
        **{variable: os.environ.get(variable, "") for variable in INDEX_VARIABLES},
    }
    options = [f"--build-arg={key}={value}" for key, value in arguments.items() if value]
    dockerfile = ROOT / "images" / kind / "Dockerfile"
    # The host's network, because what pip is pointed at may listen on this machine's loopback alone.
    command = ["docker", "build", "--network=host", f"--file={dockerfile}", f"--tag={name}", *options, str(ROOT)]
    if subprocess.run(command, check=False).returncode != 0:
        raise EngineError(f"{name} was not built; the last lines above say why.", _remedy(base))
    return name


def push(kind: str, registry: str) -> None:
    """Tag an image for a registry and upload it."""
    name = image_name(kind)  # type: ignore[arg-type]
    target = f"{registry.rstrip('/')}/{name}"
    if not _output("docker", "images", "--quiet", name):
        raise EngineError(f"There is no image {name}.", f"Build it first: make images IMAGES={kind}")
    for command in (["docker", "tag", name, target], ["docker", "push", target]):
        if subprocess.run(command, check=False).returncode != 0:
            raise EngineError(
                f"{target} was not pushed; the last line above says why.",
                "Check the registry's name, that it is reachable from here, and log in: docker login REGISTRY",
            )
    print(
        f"{target}: for pipelines that use it, compile and submit with {REGISTRY_VARIABLE}={registry.rstrip('/')}"
    )


def choose_base() -> str:
    """Name the base image: what BASE says, else the local stand-in, else the portable one."""
    if chosen := os.environ.get("BASE"):
        return chosen
    return LOCAL_BASE if _output("docker", "images", "--quiet", LOCAL_BASE) else PORTABLE_BASE


@contextmanager
def served(find_links: str) -> Iterator[str]:
    """Give PIP_FIND_LINKS as a build can read it: folders of this machine become an address on loopback."""
    folders = [link for link in find_links.split() if Path(link).is_dir()]
    addresses = [link for link in find_links.split() if link not in folders]
    servers = [_serve(Path(folder)) for folder in folders]
    try:
        yield " ".join([*addresses, *(f"http://127.0.0.1:{server.server_port}/" for server in servers)])
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _serve(folder: Path) -> http.server.ThreadingHTTPServer:
    handler = functools.partial(_Quiet, directory=str(folder))
    # The same folder gets the same port each time: the address is part of what the engine's build cache compares.
    port = 20_000 + zlib.crc32(str(folder.resolve()).encode()) % 10_000
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:  # taken: this build goes without the cache
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Leave the terminal to the build."""


def _remedy(base: str) -> str:
    if base == PORTABLE_BASE:
        return (
            f"If {base} could not be pulled because no registry is reachable from here: `make base-image` makes a "
            "stand-in from Debian packages; or name another base, `make images BASE=NAME`."
        )
    return "Mend it and repeat; steps that were done are kept."


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _require_engine() -> None:
    try:
        answer = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise EngineError(
            "The program docker is not here.", "Install Docker; on Debian: apt-get install docker.io"
        ) from None
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineError(f"No Docker engine answers: {reason}", "Start it; as root: dockerd &")


def main(kinds: list[str], registry: str) -> None:
    """Build the images of these kinds, or push them where a registry is given."""
    os.environ.pop(REGISTRY_VARIABLE, None)  # these are the names on this machine
    _require_engine()
    if registry:
        for kind in kinds:
            push(kind, registry)
        return
    base = choose_base()
    with served(os.environ.get("PIP_FIND_LINKS", "")) as address:
        for kind in kinds:
            _build_and_tell(kind, base, address if kind == "cpu" else "")


def _build_and_tell(kind: str, base: str, find_links: str) -> None:
    if kind == "cpu" and not (find_links or os.environ.get("PIP_EXTRA_INDEX_URL")):
        print(NO_CPU_TORCH, file=sys.stderr)
    print(f"Building the {kind} image on {base}", flush=True)
    start = time.monotonic()
    name = build(kind, base, find_links)
    size = int(_output("docker", "image", "inspect", "--format", "{{.Size}}", name))
    print(f"{name}: {size / 1e9:.2f} GB, built in {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build or push the project's images.")
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="cpu|gpu", help="both, unless named")
    parser.add_argument("--push", default="", metavar="REGISTRY", help="upload what was built to this registry")
    options = parser.parse_args()
    try:
        if unknown := sorted(set(options.kinds) - set(KINDS)):
            raise ParameterError(f"There is no image {unknown[0]!r}.", f"Choose among {', '.join(KINDS)}.")
        main(options.kinds, options.push)
    except ArmillaryError as error:
        print(f"{error.problem}\n{error.remedy}", file=sys.stderr)
        sys.exit(error.exit_code)
