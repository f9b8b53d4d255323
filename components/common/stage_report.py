"""What a stage reports of itself, collected while it runs: where metrics and failure records take it from."""

import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EXERCISE_VARIABLE = "ARMILLARY_EXERCISE"
PRESET_VARIABLE = "ARMILLARY_PRESET"
RUN_VARIABLE = "ARMILLARY_RUN"

ScoreValues = Mapping[str, float | None]


@dataclass
class StageReport:
    """What a stage has said so far, and what it has used.

    Attributes
    ----------
    stage : str
        Its name, such as `train`, or `ingest-3` for a shard.
    outputs : sequence of Path
        Files and folders that it writes.
    counts : dict of str to float
        What it handled: `rows_in`, `rows_out`, `rejected`, ...
    scores : dict of str to mapping
        By name: `value`, `low`, `high`, `baseline`.
    origin : str
        Of the data that the scores were found on.
    epochs : int
        Epochs that are done.
    losses : dict of str to float
        Of the last epoch, by split.
    """

    stage: str
    outputs: Sequence[Path] = ()
    counts: dict[str, float] = field(default_factory=dict)
    scores: dict[str, ScoreValues] = field(default_factory=dict)
    origin: str = ""
    epochs: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)
    _cpu_before: float = field(default_factory=lambda: _cpu_seconds())

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.perf_counter() - self._started

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far, that of ended child processes included."""
        return _cpu_seconds() - self._cpu_before

    @property
    def gpus(self) -> int:
        """GPUs that torch sees; 0 where nobody has imported it, for then nobody computes on one."""
        torch = sys.modules.get("torch")
        return int(torch.cuda.device_count()) if torch is not None else 0

    @property
    def peak_memory_bytes(self) -> int:
        """Largest resident memory of this process since it was started."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def bytes_written(self) -> int | None:
        """Size of the outputs as they lie there, else what the stage said, if anything."""
        files = [file for output in self.outputs for file in (output, *output.rglob("*")) if file.is_file()]
        if files:
            return sum(file.stat().st_size for file in files)
        return int(self.counts["bytes"]) if "bytes" in self.counts else None


def exercise() -> str:
    """Name of the exercise that this stage is part of; empty where nobody says."""
    return os.environ.get(EXERCISE_VARIABLE, "")


def preset() -> str:
    """Name of the preset that sized this run; empty where nobody says."""
    return os.environ.get(PRESET_VARIABLE, "")


def _cpu_seconds() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)
