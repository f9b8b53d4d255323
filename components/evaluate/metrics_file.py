"""What every evaluation ends with: its numbers in `metrics.json`, told to the monitoring as well."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.common.files import read_json, write_json
from components.common.telemetry import report_counts, report_scores


def publish_metrics(output: Path, metrics: Mapping[str, Any], rows_in: int, rows_out: int) -> dict[str, Any]:
    """Write `metrics.json`, after all other files of an evaluation: whoever finds it finds the rest.

    Parameters
    ----------
    output : Path
        Folder of the evaluation.
    metrics : mapping
        With `scores`, `origin` and `headline` at least: the last names the score that the report leads with, and
        that decides between champion and challenger.
    rows_in, rows_out : int
        Rows that were read, and those that the scores are of.

    Returns
    -------
    dict
        What the file holds, as JSON has it.
    """
    write_json(output / "metrics.json", metrics)
    report_counts(rows_in=rows_in, rows_out=rows_out, rejected=0)
    written: dict[str, Any] = read_json(output / "metrics.json")
    report_scores(written["scores"], written["origin"])
    return written
