"""The store that a command uses: the one that the environment names, else the embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from components.common.store import Store
from pipelines.embedded_store import embedded_store
from pipelines.home import home


@dataclass(frozen=True)
class OpenStore:
    """A store that answers.

    Attributes
    ----------
    store : Store
        To be used in this process.
    environment : dict of str to str
        Variables by which other processes reach it.
    embedded : bool
        Whether it is this machine's own, and so ours to tidy up.
    """

    store: Store
    environment: dict[str, str]
    embedded: bool


def anything_stored() -> bool:
    """Tell whether a store may hold anything: a new machine's own need not be started to find it empty."""
    return bool(os.environ.get("AWS_ENDPOINT_URL")) or (home() / "store" / "data").is_dir()


@contextmanager
def open_store() -> Iterator[OpenStore]:
    """Give a store that answers for the duration of the block; a `StoreError` says what is wrong with it."""
    if os.environ.get("AWS_ENDPOINT_URL"):
        yield OpenStore(Store.from_environment(), {}, embedded=False)
        return
    with embedded_store(home()) as environment:
        yield OpenStore(Store.from_environment(environment), dict(environment), embedded=True)
