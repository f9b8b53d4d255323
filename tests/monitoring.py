"""A real Pushgateway and a real Prometheus on loopback, for tests of what stages report."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

PATIENCE_SECONDS = 60.0
NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens: a port below 1024 is not handed out to whoever asks for any."""
_STARTS = 3

_CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: pushgateway
    honor_labels: true
    static_configs: [{{targets: ["{target}"]}}]
"""


def require(program: str) -> str:
    """Return the path of a program, or skip the test with the reason."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"There is no {program} here: install the Debian package of this name.")
    return path


def fetch(url: str) -> str:
    """Get a page from loopback, past any proxy of the environment."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def eventually(look: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Call `look` until it returns something true, and return that; fail when it has not after some time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} has not come within {seconds:g} seconds")


def _free_port() -> int:
    """Find a loopback port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[str]:
    """Run a server and give its address; between finding a port and opening it, somebody else may take it."""
    for start in range(_STARTS):
        address = f"127.0.0.1:{_free_port()}"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [*command, f"--web.listen-address={address}"], stdout=file, stderr=subprocess.STDOUT
            )
        try:
            eventually(partial(_answers_or_ended, f"http://{address}", process), command[0])
            if process.poll() is None:
                yield f"http://{address}"
                return
            assert start < _STARTS - 1, log.read_text(encoding="utf-8")
        finally:
            process.terminate()
            process.wait(timeout=20)


def _answers_or_ended(url: str, process: "subprocess.Popen[bytes]") -> bool:
    try:
        fetch(f"{url}/-/ready")
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return process.poll() is not None
    return True


@dataclass(frozen=True)
class Pushgateway:
    """A running gateway; `url` is what ARMILLARY_PUSHGATEWAY takes."""

    url: str

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the one series of this name that has these labels, among others."""
        for metric in json.loads(fetch(f"{self.url}/api/v1/metrics"))["data"]:
            for series in metric.get(name, {}).get("metrics", []):
                if labels.items() <= series.get("labels", {}).items():
                    return float(series["value"])
        return None


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus that scrapes one target every second."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now: for each series `metric` (its labels) and `value` (time and text)."""
        answer = json.loads(fetch(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression once there are some."""
        found: list[dict[str, Any]] = eventually(lambda: self.query(expression), expression)
        return found


@contextmanager
def run_pushgateway(folder: Path) -> Iterator[Pushgateway]:
    """Run a Pushgateway that remembers nothing of earlier ones."""
    forgetful = "--persistence.file="  # Debian's default would hand one test's metrics to the next
    with _running([require("prometheus-pushgateway"), forgetful], folder / "pushgateway.log") as url:
        yield Pushgateway(url)


@contextmanager
def run_prometheus(folder: Path, target: str, text: str = _CONFIGURATION) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes `target`, such as the `url` of a Pushgateway, with this configuration."""
    configuration = folder / "prometheus.yml"
    configuration.write_text(text.format(target=target.removeprefix("http://")), encoding="utf-8")
    command = [
        require("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
    ]
    with _running(command, folder / "prometheus.log") as url:
        yield Prometheus(url)
