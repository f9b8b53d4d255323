"""The one way to declare a component: on our own image, whose tag says what is in it."""

import os
from collections.abc import Callable
from typing import Any, Literal

from kfp import dsl

from components.common.contents import content_hash
from components.common.errors import ArmillaryError
from components.common.parameter_docs import parameter_docs, with_parameters

REGISTRY_VARIABLE = "ARMILLARY_REGISTRY"
"""Where a cluster finds the images, as given to `make push REGISTRY=`; on the machine that built them, unset."""

_EXECUTOR = "-m kfp.dsl.executor_main"
_WATCHED = "-m components.common.watch kfp.dsl.executor_main"


def component(image: Literal["cpu", "gpu"]) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a Kubeflow component that runs in the project's image.

    Parameters
    ----------
    image : {"cpu", "gpu"}
        `gpu` for what trains: on a machine without a GPU both run alike.

    Notes
    -----
    The body runs alone, away from its module: it imports what it needs, but never a module that declares
    components. Kubeflow's program runs it under `components.common.watch`, so that a failure is told even when it
    happens before the stage has begun.
    """
    declare = dsl.component(base_image=image_name(image), install_kfp_package=False)

    def decorate(function: Callable[..., Any]) -> Any:
        function.__doc__ = with_parameters(function.__doc__ or "", parameter_docs(function))
        face = declare(function)
        container = face.component_spec.implementation.container
        shell, options, script, source = container.command
        if _EXECUTOR not in script:
            raise ArmillaryError(
                f"This version of kfp starts components in a way that is not known here: {script!r}.",
                "Install the version of kfp that constraints.txt names, or adapt components/common/component.py.",
            )
        container.command = [shell, options, script.replace(_EXECUTOR, _WATCHED), source]
        return face

    return decorate


def image_name(image: Literal["cpu", "gpu"]) -> str:
    """Name of the image, with the hash of its contents as the tag.

    Kubeflow's cache keys hold the image's name and the arguments, never the code: were the tag to stay, an edited
    component would be answered with the results of its former self.
    """
    registry = os.environ.get(REGISTRY_VARIABLE, "").rstrip("/")
    return f"{registry}/" * bool(registry) + f"armillary-python-{image}:{content_hash()}"
