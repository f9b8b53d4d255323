"""Words on the terminal: rich where there is one, plain lines in a pipe; NO_COLOR is respected."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def open_console(stderr: bool = False) -> Console:
    """Return a console on the present standard output, or standard error.

    The stream is taken now, because a run redirects `sys.stdout` into its log.
    """
    return Console(file=sys.stderr if stderr else sys.stdout, highlight=False, soft_wrap=True)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line as it is: no markup, no wrapping, so that paths can be copied."""
    console.print(Text(text, style=style), soft_wrap=True)


def print_table(console: Console, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: ruled on a terminal, columns parted by two spaces in a pipe."""
    if console.is_terminal:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for number, header in enumerate(headers):
            table.add_column(header, overflow="fold", no_wrap=number == 0)
        for row in rows:
            table.add_row(*[Text(cell) for cell in row])
        console.print(table)
        return
    widths = [max(len(row[i]) for row in (headers, *rows)) for i in range(len(headers))]
    for row in (headers, *rows):
        say(console, "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def format_number(value: float | None) -> str:
    """Write a score with the digits that mean something; a dash where there is none."""
    if value is None:
        return "-"
    if value != 0 and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3g}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def format_score(score: dict[str, float | None]) -> str:
    """Write a score with its interval: 0.951 [0.932, 0.968]."""
    low, high = score.get("low"), score.get("high")
    interval = f" [{format_number(low)}, {format_number(high)}]" if low is not None and high is not None else ""
    return format_number(score.get("value")) + interval
