"""The page that every run ends in: one HTML file that asks nobody for anything.

The file opens from a disk, an e-mail or the Kubeflow UI. Styles, script and figures are inside it, and a content
security policy in its head forbids the browser to load anything else.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from components.common.errors import ParameterError
from components.common.files import whole
from components.common.provenance import Origin, Provenance
from components.common.themed_svg import PALETTE
from components.common.wording import typeset

if TYPE_CHECKING:  # matplotlib is slow to import, and a page without figures does without
    from components.common.figures import Figure

Cell = str | float | int | None

_NOTHING = "–"
_ORIGINS: Mapping[Origin, tuple[str, str]] = {
    "real": ("Real data", "observed objects from"),
    "semi-empirical": ("Semi-empirical data", "real catalogue rows, with synthetic pixels, from"),
    "simulated": ("Simulated data", "nothing below was observed; every object was made by"),
}


@dataclass(frozen=True)
class Headline:
    """The one number that the exercise is about.

    Attributes
    ----------
    label : str
        What the number counts, such that "97.3 % <label>" reads as a sentence.
    value, low, high : float
        Score on the test set and its interval.
    baseline : float or None
        The same score of the constant predictor on the same objects, or of what else is named below.
    baseline_label, baseline_note : str
        What the baseline is, and on what it was measured.
    form : str
        Format specification, such as ".1%" or ".3f".
    unit : str
        Shown behind the number.
    level : float
        Confidence level of the interval.
    higher_is_better : bool
        Direction of the score.
    published : float or None
        The figure in the literature. It is called reached, or not, only where the data are real.
    published_source : str
        Who published it, and on what.
    """

    label: str
    value: float
    low: float
    high: float
    baseline: float | None = None
    baseline_label: str = "for a constant prediction"
    baseline_note: str = "The best single answer for every object, on the same test set."
    form: str = ".1%"
    unit: str = ""
    level: float = 0.95
    higher_is_better: bool = True
    published: float | None = None
    published_source: str = ""

    def verdict(self, origin: Origin) -> str:
        """Say in words how the value stands to the published figure."""
        if self.published is None:
            return ""
        if origin != "real":
            return f"Measured on real data, so not to be compared with these {origin} data."
        sign = 1 if self.higher_is_better else -1
        if sign * (self.value - self.published) >= 0:
            return "Reached here."
        best = self.high if self.higher_is_better else self.low
        return (
            "Not reached, but inside the interval." if sign * (best - self.published) >= 0 else "Not reached here."
        )


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        Heading, with the unit where there is one.
    form : str
        Format specification for its numbers, such as ".3f" or ",.0f".
    numeric : bool
        Align to the right; columns with a `form` are.
    """

    title: str
    form: str = ""
    numeric: bool = False

    @property
    def aligned(self) -> str:
        """Class of its cells."""
        return "number" if self.form or self.numeric else "words"


@dataclass(frozen=True)
class _Block:
    kind: str
    content: Any


@dataclass
class Section:
    """A part of the report under a heading of its own; what is added appears in the order of the calls.

    Attributes
    ----------
    heading : str
        Heading.
    provenance : Provenance or None
        Where this section's data come from, where that differs from the rest of the report.
    """

    heading: str
    provenance: Provenance | None = None
    blocks: list[_Block] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add plain text; a blank line begins a new paragraph."""
        self.blocks.append(_Block("text", [p.strip() for p in text.split("\n\n") if p.strip()]))

    def table(
        self,
        caption: str,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        *,
        notes: str = "",
        strong: Collection[int] = (),
    ) -> None:
        """Add a table.

        Parameters
        ----------
        caption : str
            What the table shows and what to look for.
        columns : sequence of Column
            Numbers in a column with a `form` are formatted with it and aligned to the right.
        rows : sequence of sequences
            One cell a column; the first names the row. None and NaN are shown as a dash.
        notes : str
            Small print below the table.
        strong : collection of int
            Indices of the rows to set in bold: the model among its baselines.

        Raises
        ------
        ParameterError
            When a row has not as many cells as there are columns.
        """
        for number, row in enumerate(rows):
            if len(row) != len(columns):
                raise ParameterError(
                    f"Row {number} of the table '{caption}' has {len(row)} cells for {len(columns)} columns.",
                    "Give one cell a column, None where there is no value.",
                )
        cells = [
            [format_cell(cell, column.form) for cell, column in zip(row, columns, strict=True)] for row in rows
        ]
        content = {"caption": caption, "columns": columns, "rows": cells, "notes": notes, "strong": set(strong)}
        self.blocks.append(_Block("table", content))

    def figure(self, figure: "Figure") -> None:
        """Add a figure with a row of its own."""
        self.figures([figure])

    def figures(self, figures: Sequence["Figure"]) -> None:
        """Add figures side by side as the screen allows."""
        if figures:
            content = [{"svg": Markup(f.svg), "caption": f.caption} for f in figures]
            self.blocks.append(_Block("figures", content))

    def definitions(self, terms: Mapping[str, str]) -> None:
        """Add a list of terms and what they mean."""
        self.blocks.append(_Block("definitions", dict(terms)))


class Report:
    """One run, told to a person.

    Parameters
    ----------
    title : str
        Title of the page.
    slug : str
        Name of the exercise, as the command line spells it.
    provenance : Provenance
        Of the data that the scores are measured on. Its origin makes the first line, the rest the foot.
    headline : Headline, optional
        The number at the top.
    lead : str
        A paragraph that says what was done and how to read the page.
    """

    def __init__(
        self, title: str, slug: str, provenance: Provenance, *, headline: Headline | None = None, lead: str = ""
    ):
        self.title = title
        self.slug = slug
        self.provenance = provenance
        self.headline = headline
        self.lead = lead
        self.sections: list[Section] = []

    def section(self, heading: str, provenance: Provenance | None = None) -> Section:
        """Begin a section; give `provenance` where its data come from elsewhere than the report's."""
        section = Section(heading, provenance)
        self.sections.append(section)
        return section

    def render(self) -> str:
        """Return the page as HTML."""
        further = [(s.heading, s.provenance) for s in self.sections if s.provenance is not None]
        return (
            _environment()
            .get_template("report.html.j2")
            .render(
                report=self, palette=PALETTE, provenances=[("The data of this report", self.provenance), *further]
            )
        )

    def write(self, path: Path) -> None:
        """Write the page to `path`, whole or not at all."""
        text = self.render()
        with whole(path) as part:
            part.write_text(text, encoding="utf-8")


def format_number(value: float | None, form: str, unit: str = "") -> str:
    """Format a number for reading: true minus, thin spaces, a dash where there is none.

    Parameters
    ----------
    value : float or None
        None and NaN become a dash.
    form : str
        Format specification.
    unit : str
        Put behind the number.
    """
    if value is None or math.isnan(value):
        return _NOTHING
    text = format(value, form).replace("-", "−").replace(",", "\u202f").replace("%", "\u202f%")
    return f"{text}\u00a0{unit}" if unit else text


def format_interval(low: float | None, high: float | None, form: str, unit: str = "") -> str:
    """Format an interval, as in "0.962 to 0.981"."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return _NOTHING
    return f"{format_number(low, form)} to {format_number(high, form, unit)}"


def format_cell(cell: Cell, form: str) -> str:
    """Format a cell of a table; strings stay as they are."""
    if cell is None:
        return _NOTHING
    return cell if isinstance(cell, str) else format_number(cell, form)


def describe_origin(provenance: Provenance) -> tuple[str, str]:
    """Origin of the data in plain words: the name of the kind, and a sentence that continues it."""
    kind, words = _ORIGINS[provenance.origin]
    release = f" ({provenance.release})" if provenance.release else ""
    return kind, f"{words} {provenance.archive}{release}."


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(describe_origin=describe_origin)
    environment.filters.update(number=format_number, typeset=typeset)
    environment.globals.update(interval=format_interval)
    return environment
