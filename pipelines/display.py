"""What a person sees while a run goes on: live lines on a terminal, plain lines anywhere else."""

import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipelines.progress import Progress, StageProgress

_MARKS = {
    "waiting": ("·", "dim"),
    "done": ("✓", "green"),
    "cached": ("✓", "green"),
    "failed": ("✗", "red"),
    "interrupted": ("✗", "yellow"),
}
_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_LINES = 10.0


class Display(ABC):
    """Watches a `Progress` from a thread of its own for the duration of a `with` block."""

    def __init__(self, progress: Progress, console: Console):
        self.progress = progress
        self.console = console
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.begin()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.progress.read_events()
        self.refresh()
        self.end()

    def _watch(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            self.progress.read_events()
            self.refresh()

    @abstractmethod
    def begin(self) -> None:
        """Prepare the screen."""

    @abstractmethod
    def refresh(self) -> None:
        """Show the present state."""

    @abstractmethod
    def end(self) -> None:
        """Leave the last state on the screen."""


class LiveDisplay(Display):
    """One line a stage, redrawn in place."""

    def __init__(self, progress: Progress, console: Console):
        super().__init__(progress, console)
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False, transient=False
        )

    def begin(self) -> None:
        """Take the screen."""
        self._live.start()
        self.refresh()

    def refresh(self) -> None:
        """Redraw."""
        self._live.update(self._table(), refresh=True)

    def end(self) -> None:
        """Give the screen back."""
        self._live.stop()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=1)
        table.add_column()
        table.add_column(justify="right", min_width=8)
        table.add_column(overflow="ellipsis", no_wrap=True)
        for stage in self.progress.stages:
            status = stage.record.status
            mark, style = _MARKS.get(status, ("", ""))
            table.add_row(
                self._spinner if status == "running" else Text(mark, style=style),
                Text(stage.record.stage, style="bold" if status == "running" else style),
                "" if status == "waiting" else "cached" if status == "cached" else format_seconds(stage.seconds()),
                Text(_details(stage), style="red" if status == "failed" else ""),
            )
        return table


class PlainDisplay(Display):
    """A line whenever something changes, for pipes, logs and screen readers."""

    def __init__(self, progress: Progress, console: Console):
        super().__init__(progress, console)
        self._statuses = {stage.record.task: stage.record.status for stage in progress.stages}
        self._last_line = 0.0
        self._last_done = -1.0

    def begin(self) -> None:
        """Print nothing yet."""

    def end(self) -> None:
        """Leave what is printed."""

    def refresh(self) -> None:
        """Print what is new."""
        for stage in self.progress.stages:
            if self._statuses[stage.record.task] != stage.record.status:
                self._statuses[stage.record.task] = stage.record.status
                self._print(stage)
            elif stage.record.status == "running" and stage.total and self._is_due(stage):
                self._print(stage)

    def _is_due(self, stage: StageProgress) -> bool:
        if stage.done == self._last_done:
            return False
        is_epoch = stage.unit == "epochs" and float(stage.done).is_integer()
        return is_epoch or time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES

    def _print(self, stage: StageProgress) -> None:
        self._last_line, self._last_done = time.monotonic(), stage.done
        status = stage.record.status
        words = {"running": "running", "done": f"done in {format_seconds(stage.seconds())}"}.get(status, status)
        details = _details(stage)
        text = f"{stage.record.stage}: {words}{', ' if details else ''}{details}"
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def display_for(progress: Progress, console: Console) -> Display:
    """Choose the display that suits where the output goes."""
    return (LiveDisplay if console.is_terminal else PlainDisplay)(progress, console)


def format_seconds(seconds: float) -> str:
    """Write a duration as a person would: 8.3 s, 2 min 5 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _details(stage: StageProgress) -> str:
    memory = f"  {stage.record.peak_memory_mb} MB" if stage.record.peak_memory_mb else ""
    return f"{stage.describe()}{memory}".strip()
