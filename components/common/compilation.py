"""Compiling inner loops, with the machine code kept on disk wherever a folder can be written."""

from collections.abc import Callable
from typing import Any

from numba import njit

Function = Callable[..., Any]


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Decorate a function with `numba.njit(**options)`, cached on disk where possible.

    numba looks in NUMBA_CACHE_DIR, then beside the source, then in the user's cache folder, and refuses to
    decorate at all where none of them is writable, as in a container with a read-only root.
    """

    def decorate(function: Function) -> Function:
        try:
            kept: Function = njit(cache=True, **options)(function)
        except RuntimeError:
            kept = njit(**options)(function)
        return kept

    return decorate
