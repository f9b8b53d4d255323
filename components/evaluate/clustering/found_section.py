"""The parts of the report on what was found: in the region, and among real stars."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.common.clustering_scores import SCORES
from components.common.report import Column, Section, format_interval, format_number
from components.common.scores import Score
from components.common.wording import counted, grouped
from components.evaluate.clustering.naming import name_of
from components.evaluate.clustering.star_diagrams import draw_colour_magnitude

if TYPE_CHECKING:
    from components.evaluate.clustering.evaluation import Outcome
    from components.evaluate.clustering.external import External

DRAWN = 6
"""At most so many clusters have a diagram of their own."""

_FLOOR = (
    "Errors include the systematic floor of DR3, 0.025 mas/yr and 0.01 mas (Vasiliev & Baumgardt 2021), which no "
    "number of stars lowers."
)


def add_found(section: Section, outcome: "Outcome") -> None:
    """Add where clusters are, how they move and how far they are."""
    facts, titles = outcome.scene.facts, outcome.titles
    samples = counted(outcome.samples, "sample")
    section.table(
        "The clusters: where they are, and of how many stars.",
        [
            Column("Cluster"), Column("Members", ",.0f"), Column("RA, deg", ".4f"), Column("Dec, deg", ".4f"),
            Column("Radius, arcmin", numeric=True), Column("Found again", ".0%"),
        ],
        [
            [
                title, f["stars"], f["ra"], f["dec"], _with_error(f, "radius", ".1f", 60), again.found,
            ]
            for title, f, again in zip(titles, facts, outcome.stability, strict=True)
        ],
        notes="The radius is that of a Plummer profile within the region. Found again: share of "
        f"{samples} of the stars, each without a part of them.",
    )  # fmt: skip
    section.table(
        "How they move, and how far they are, with standard errors.",
        [
            Column("Cluster"),
            *(Column(title, numeric=True) for title in ("pm RA, mas/yr", "pm Dec, mas/yr", "Parallax, mas")),
        ],
        [
            [title, *(_with_error(f, name) for name in ("pmra", "pmdec", "parallax"))]
            for title, f in zip(titles, facts, strict=True)
        ],
        notes=_FLOOR,
    )


def _with_error(facts: Any, name: str, form: str = ".3f", scale: float = 1.0) -> str:
    value, error = (format_number(scale * facts[key], form) for key in (name, f"{name}_error"))
    return f"{value}\u00a0±\u00a0{error}"


def add_scores(section: Section, title: str, scores: Mapping[str, Score], notes: str) -> None:
    """Add scores with their intervals, beside what they are if all stars are one cluster."""
    section.table(
        title,
        [
            Column("Score"),
            Column("Value", ".3f"),
            Column("95 % interval", numeric=True),
            Column("One cluster of all", ".3f"),
        ],
        [
            [d.label, s.value, format_interval(s.low, s.high, ".3f"), s.baseline]
            for d in SCORES
            if (s := scores.get(d.name))
        ],
        notes=notes,
    )


def add_external(section: Section, external: "External") -> None:
    """Add what was found among real stars, and how it stands to a catalogue."""
    section.text(
        f"Among {counted(len(external.members), 'real star')}, prepared and searched with the same settings, "
        f"{counted(len(external.facts), 'cluster')} {'was' if len(external.facts) == 1 else 'were'} found. "
        "Nothing was adjusted to them."
    )
    if external.scores:
        add_scores(
            section,
            "The worst of the catalogued clusters.",
            external.scores,
            notes=f"The catalogue has {grouped(external.catalogued)} of the stars as members. It is no truth: "
            "what it leaves out counts as false here. An interval without width says that no resample differs.",
        )
    if not external.facts:
        return
    titles = [name_of(f) or f["name"] for f in external.facts]
    section.table(
        "What was found, with standard errors.",
        [
            Column("Cluster"),
            Column("Members", ",.0f"),
            *(Column(title, ".3f") for title in ("RA, deg", "Dec, deg")),
            *(Column(title, numeric=True) for title in ("pm RA, mas/yr", "pm Dec, mas/yr", "Parallax, mas")),
        ],
        [
            [
                title, f["stars"], f["ra"], f["dec"],
                *(_with_error(f, name) for name in ("pmra", "pmdec", "parallax")),
            ]
            for title, f in zip(titles, external.facts, strict=True)
        ],
        notes=_FLOOR,
    )  # fmt: skip
    section.figures(
        [
            draw_colour_magnitude(external.colour, external.magnitude, external.members, k, titles[k], f)
            for k, f in enumerate(external.facts[:DRAWN])
        ]
    )
