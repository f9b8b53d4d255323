"""The fixture `ratio`: how fast our way is beside a named peer, in the same run on the same machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

_LINES = pytest.StashKey[list[str]]()


@dataclass(frozen=True)
class Ratio:
    """Time two ways of doing the same thing in turn, and report peer / ours."""

    benchmark: BenchmarkFixture
    lines: list[str]

    def __call__(
        self,
        name: str,
        *,
        ours: Callable[[], Any],
        peer: Callable[[], Any],
        peer_name: str,
        rounds: int = 3,
        goal: float = 3.0,
        agree: Callable[[Any, Any], bool] | None = None,
    ) -> float:
        """Return how many times faster `ours` is than `peer`.

        Parameters
        ----------
        name : str
            What is measured, for the printed line.
        ours, peer : callable
            Called without arguments, once to warm up and then `rounds` times, alternating, so that a machine that
            slows down slows both.
        peer_name : str
            What the peer is, in a few words.
        goal : float
            The ratio wished for: printed, not asserted, because another machine has other ratios.
        agree : callable, optional
            `agree(ours(), peer())` must be true: a fast wrong answer is not an answer.
        """
        results = ours(), peer()
        if agree is not None:
            assert agree(*results), f"{name}: our result and that of {peer_name} differ"
        peer_seconds: list[float] = []
        our_seconds: list[float] = []

        def time_peer() -> None:
            start = time.perf_counter()
            peer()
            peer_seconds.append(time.perf_counter() - start)

        def time_ours() -> None:
            start = time.perf_counter()
            ours()
            our_seconds.append(time.perf_counter() - start)

        self.benchmark.pedantic(time_ours, setup=time_peer, rounds=rounds)
        value = min(peer_seconds) / min(our_seconds)
        self.benchmark.extra_info.update(peer=peer_name, ratio=value, goal=goal)
        self.lines.append(
            f"{name}: {value:.2f}x {peer_name} (ours {_seconds(our_seconds)}, peer {_seconds(peer_seconds)}; "
            f"goal {goal:g}x)"
        )
        return value


def _seconds(values: list[float]) -> str:
    return f"{min(values) * 1e3:.3g} ms" if min(values) < 1 else f"{min(values):.3g} s"


@pytest.fixture
def ratio(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Ratio:
    """Give `ratio(name, ours=..., peer=..., peer_name=...)`."""
    return Ratio(benchmark, request.config.stash.setdefault(_LINES, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the ratios last, one line each."""
    if lines := config.stash.get(_LINES, []):
        terminalreporter.section("ratios")
        for line in lines:
            terminalreporter.write_line(line)
