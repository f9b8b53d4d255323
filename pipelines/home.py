"""Where this machine keeps its runs, its cache and the embedded store: ARMILLARY_HOME, else ./.armillary."""

import os
from pathlib import Path

HOME_VARIABLE = "ARMILLARY_HOME"


def home() -> Path:
    """Folder of everything below, as an absolute path."""
    return Path(os.environ.get(HOME_VARIABLE) or ".armillary").expanduser().resolve()


def runs_folder(slug: str = "") -> Path:
    """Folder of the runs, or of those of one exercise: `<slug>/<run id>/`."""
    return home() / "runs" / slug


def cache_folder() -> Path:
    """Entries of the Kubeflow cache: small files that name the outputs of earlier runs."""
    return home() / "cache"


def checkpoints_folder() -> Path:
    """Trainings that were interrupted, to be continued by the next run."""
    return home() / "checkpoints"


def downloads_folder() -> Path:
    """Models and reports of runs that were fetched from the store."""
    return home() / "downloads"
