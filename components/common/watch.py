"""Run the program of a component under watch: `python -m components.common.watch MODULE ARGUMENTS...`.

A component may fail before its stage begins: an import that is not possible, a parameter with an impossible
value, an input that Kubeflow cannot hand over. Here such a failure is told as that of the stage is. Not told are
the end of a process that is killed (SIGKILL, as for want of memory) and a failure in the shell that starts it.
"""

import json
import runpy
import sys
from collections.abc import Sequence
from itertools import pairwise

from components.common.telemetry import failures_told


def main(arguments: Sequence[str]) -> None:
    """Run the module that the first argument names as the main program, with the others as its arguments."""
    module, *own = arguments
    sys.argv = [module, *own]
    with failures_told(stage_of(own)):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def stage_of(arguments: Sequence[str]) -> str:
    """Name the stage by what Kubeflow is asked to run: `ingest-3` for shard 3 of `ingest_sdss_spectra`."""
    given = dict(pairwise(arguments))
    stage = given.get("--function_to_execute", "").split("_")[0]
    parameters = json.loads(given.get("--executor_input", "{}")).get("inputs", {}).get("parameterValues", {})
    if parameters.get("shards", 1) > 1 and "shard" in parameters:
        return f"{stage}-{int(parameters['shard'])}"
    return stage


if __name__ == "__main__":
    main(sys.argv[1:])
