"""Work in threads: as many as there are cores for this process, results in order, memory for a few of them."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Count the cores that this process may use: in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0))


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
