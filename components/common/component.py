"""The one way to declare a component: on our own image, whose tag says what is in it."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from kfp import dsl

_COMPONENTS = Path(__file__).resolve().parents[1]
_LOCK = _COMPONENTS.parent / "constraints.txt"


def component(image: Literal["cpu", "gpu"]) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a Kubeflow component that runs in the project's image.

    Parameters
    ----------
    image : {"cpu", "gpu"}
        `gpu` for what trains: on a machine without a GPU both run alike.

    Notes
    -----
    The body runs alone, away from its module: it imports what it needs, but never a module that declares
    components.
    """
    decorate: Callable[[Callable[..., Any]], Any] = dsl.component(
        base_image=image_name(image), install_kfp_package=False
    )
    return decorate


def image_name(image: Literal["cpu", "gpu"]) -> str:
    """Name of the image, with the hash of its contents as the tag.

    Kubeflow's cache keys hold the image's name and the arguments, never the code: were the tag to stay, an edited
    component would be answered with the results of its former self.
    """
    return f"armillary-python-{image}:{content_hash()}"


@cache
def content_hash() -> str:
    """Hash everything under `components/` and the locked versions, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    files = (p for p in _COMPONENTS.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    lock = [_LOCK] if _LOCK.is_file() else []  # an installed wheel has no lock beside it
    for path in [*sorted(files), *lock]:
        digest.update(path.relative_to(_COMPONENTS.parent).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
