"""The command line with the toy exercise in its catalogue, for tests that run it in a process of its own."""

import subprocess
from collections.abc import Callable

Armillary = Callable[..., "subprocess.CompletedProcess[str]"]

WITH_TOY = """
import pipelines.catalogue as catalogue
catalogue.EXERCISES = (*catalogue.EXERCISES, catalogue.Exercise("toy", "toy", "Numbers", "Counts numbers."))
from pipelines.cli import main
main()
"""
"""The command line with one more exercise in its catalogue."""
