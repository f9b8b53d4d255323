"""Work in threads: as many as there are cores for this process, results in order, memory for a few of them."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where a container finds its limit of processor time, in microseconds, and the period that it is for."""


def cores() -> int:
    """Count the cores that this process may use: in a container fewer than the machine has.

    A limit such as that of a pod leaves all cores of its node in sight, and is a share of their time.
    """
    seen = len(os.sched_getaffinity(0))
    try:
        quota, period = CPU_QUOTA.read_text().split()
    except (OSError, ValueError):  # no control groups of version 2, or none around this process
        return seen
    return seen if quota == "max" else min(seen, max(1, -(-int(quota) // int(period))))


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """Yield results in order while the next ones are read and computed.

    Unlike `Executor.map` this takes items only as results are taken, so that a table larger than memory passes:
    one item more than there are cores is read, or computed, and not yet yielded.

    Parameters
    ----------
    function : callable
        Called in a thread; worth it where it leaves Python's lock, as numpy, numba and readers of files do.
    items : iterable
        Read in the caller's thread.
    """
    threads, rest = cores(), iter(items)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        while True:
            waiting.extend(pool.submit(function, item) for item in islice(rest, threads + 1 - len(waiting)))
            if not waiting:
                return
            yield waiting.popleft().result()
