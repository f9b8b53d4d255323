"""Work in threads keeps its order and reads no further ahead than it must."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.common import threads
from components.common.threads import cores, map_ahead

CORES = 3


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cores", lambda: CORES)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 64), ("800000 100000", 8), ("50000 100000", 1), ("250000 100000", 3), ("", 64), (None, 64)],
)
def test_the_limit_of_a_pod_counts_and_not_the_cores_of_its_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None, expected: int
) -> None:
    if limit is not None:
        (tmp_path / "cpu.max").write_text(f"{limit}\n")
    monkeypatch.setattr(threads, "CPU_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(64))
    assert cores() == expected


def test_results_come_in_the_order_of_the_items() -> None:
    later = threading.Event()

    def square(number: int) -> int:
        if number == 0:
            assert later.wait(20)  # the first is ready after the second
        later.set()
        return number * number

    assert list(map_ahead(square, range(20))) == [number * number for number in range(20)]
    assert list(map_ahead(square, [])) == []


def test_items_are_read_only_as_results_are_taken() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            read.append(number)
            yield number

    results = map_ahead(abs, items())
    for taken in range(1, 5):
        next(results)
        assert len(read) == taken + CORES
    results.close()


def test_an_error_of_the_work_reaches_the_reader() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda number: 1 // number, [1, 0, 2]))
