"""What the runner has to know of Kubeflow's insides: the order of the tasks, and when each begins and ends.

`kfp.local` tells neither which task runs nor where the outputs of a cached one lie, so its one function that runs
a task is wrapped for the duration of a run. The version of kfp is pinned, and the tests of the runner hold this.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kfp.local import graph_utils, status
from kfp.local.orchestrator import task_executor

Begin = Callable[[str], None]
End = Callable[[str, bool, Mapping[str, Path]], None]


def tasks_in_order(pipeline: Any) -> list[str]:
    """Names of a pipeline's tasks in the order in which `kfp.local` runs them."""
    stack = graph_utils.topological_sort_tasks(pipeline.pipeline_spec.root.dag.tasks)
    return [str(name) for name in reversed(stack)]


def images_of(pipeline: Any) -> set[str]:
    """Names of the images that a pipeline's tasks ask for."""
    executors = pipeline.pipeline_spec.deployment_spec["executors"]
    return {str(executors[label]["container"]["image"]) for label in executors}


def stage_name(task: str) -> str:
    """Name of the stage that a task is: its verb, as in `train` for `train-conv1d`; a second one has a number."""
    number = re.search(r"-\d+$", task)
    return task.split("-", 1)[0] + (number[0] if number else "")


@contextmanager
def observed(begin: Begin, end: End) -> Iterator[None]:
    """Call `begin(task)` and `end(task, succeeded, outputs)` around each task that runs in the block.

    `outputs` are the paths of the artifacts by name; those of a cached task lie in the run that made them.
    """
    original = task_executor.execute_single_task

    def execute(*args: Any, **kwargs: Any) -> Any:
        begin(kwargs["task_name"])
        outputs, outcome = original(*args, **kwargs)
        paths = {name: Path(value.path) for name, value in outputs.items() if hasattr(value, "path")}
        end(kwargs["task_name"], outcome == status.Status.SUCCESS, paths)
        return outputs, outcome

    task_executor.execute_single_task = execute
    try:
        yield
    finally:
        task_executor.execute_single_task = original
