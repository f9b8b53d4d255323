"""Words on the terminal: rich where there is one, plain lines in a pipe; NO_COLOR is respected."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_INDENT = "    "


def open_console(stderr: bool = False) -> Console:
    """Return a console on the present standard output, or standard error.

    The stream is taken now, because a run redirects `sys.stdout` into its log.
    """
    return Console(file=sys.stderr if stderr else sys.stdout, highlight=False, soft_wrap=True)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line as it is: no markup, no wrapping, so that paths can be copied."""
    console.print(Text(text, style=style), soft_wrap=True)


def print_table(
    console: Console, headers: Sequence[str], rows: Sequence[Sequence[str]], stacked: bool = False
) -> None:
    """Print a table: columns folded on a terminal too narrow for them, and never in a pipe.

    Parameters
    ----------
    console : Console
        Where to.
    headers, rows : sequence
        What.
    stacked : bool
        On a narrow terminal give each row as many lines as it needs instead, so that no cell is folded.
    """
    widths = [max(len(row[i]) for row in (headers, *rows)) for i in range(len(headers))]
    if console.is_terminal and stacked and sum(widths) + 2 * (len(widths) - 1) > console.width:
        lines = _pack(widths, console.width)
        for number, row in enumerate((headers, *rows)):
            for columns in lines:
                text = "  ".join(row[i].ljust(widths[i]) for i in columns).rstrip()
                indent = "" if columns is lines[0] else _INDENT
                say(console, indent + text, style="bold" if number == 0 else "")
        return
    if console.is_terminal:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for number, header in enumerate(headers):
            table.add_column(header, overflow="fold", no_wrap=number == 0)
        for row in rows:
            table.add_row(*[Text(cell) for cell in row])
        console.print(table)
        return
    for row in (headers, *rows):
        say(console, "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _pack(widths: Sequence[int], width: int) -> list[list[int]]:
    """Divide columns among lines of a width; those after the first are indented."""
    lines: list[list[int]] = [[]]
    used = 0
    for column, own in enumerate(widths):
        if lines[-1] and used + 2 + own > width:
            lines.append([])
            used = len(_INDENT) - 2
        used += own + (2 if lines[-1] or len(lines) > 1 else 0)
        lines[-1].append(column)
    return lines


def format_number(value: float | None) -> str:
    """Write a score with the digits that mean something; a dash where there is none."""
    if value is None:
        return "-"
    size = abs(value)
    if size != 0 and not 1e-3 <= size < 1e7:
        return f"{value:.2g}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 3 if size >= 0.1 or size == 0 else 4
    return f"{value:.{digits}f}"


def format_score(score: dict[str, float | None]) -> str:
    """Write a score with its interval: 0.951 [0.932, 0.968]."""
    low, high = score.get("low"), score.get("high")
    interval = f" [{format_number(low)}, {format_number(high)}]" if low is not None and high is not None else ""
    return format_number(score.get("value")) + interval
