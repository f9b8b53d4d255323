"""Sections that only the report on galaxies has."""

from components.common.report import Report
from components.evaluate.classification.report import Evaluation


def add_sections(report: Report, e: Evaluation) -> None:
    """Add what the classifier rests on, what it was chosen from, and how the classes differ."""
