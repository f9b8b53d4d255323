"""The report of an evaluation of reconstructed initial fields."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.common.report import Cell, Column, Headline, Report, Section, format_interval, format_number
from components.common.scores import Score
from components.common.wording import counted
from components.evaluate.reconstruction.diagrams import (
    draw_calibration,
    draw_correlation,
    draw_histograms,
    draw_latents,
    draw_power,
    draw_transfer,
)
from components.evaluate.reconstruction.maps import draw_example
from components.evaluate.reconstruction.measuring import METHODS, NETWORK, ZELDOVICH
from components.evaluate.reconstruction.scores import BAND_NAMES, HEADLINE, SCORES
from components.evaluate.training_section import add_training

if TYPE_CHECKING:
    from components.evaluate.reconstruction.evaluation import Bands, Outcome

_UNKNOWN = 0.1
_FAINT = 0.6
_CALIBRATED = 0.2
GOALS = ((0, 0.9), (1, 0.6))
"""Cross-correlation that was aimed at, by band."""


def write_report(
    path: Path,
    outcome: "Outcome",
    external: "Outcome | None",
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
    title: str,
    slug: str,
) -> None:
    """Write the report as one HTML file."""
    measured = outcome.measured
    report = Report(title, slug, outcome.provenance, headline=_headline(outcome), lead=_lead(outcome))
    _add_bands(report.section("Scale by scale"), outcome)
    curves = report.section("Curves")
    curves.figures(
        [
            draw_correlation(measured.maps, "slab maps", measured.finest[0]),
            draw_transfer(measured.maps, "slab maps", measured.finest[0]),
        ]
    )
    curves.figures(
        [draw_correlation(measured.boxes, "in three dimensions", measured.finest[1]), draw_power(measured)]
    )
    pictures = report.section("Side by side")
    pictures.figures([draw_example(e, measured.box_size, measured.slab_depth) for e in measured.examples])
    _add_calibration(report.section("Are the samples honest?"), outcome)
    _add_latents(report.section("What the latents do"), outcome)
    _add_scores(report.section("Scores"), outcome)
    if external is not None:
        _add_external(report.section("Simulations by others", external.provenance), external)
    training = report.section("Training")
    if histories["history"]:
        add_training(training, histories["history"], "loss, nats a wave")
    if histories["history_plain_unet"]:
        training.text("The plain U-Net, over as many epochs:")
        add_training(training, histories["history_plain_unet"], "loss, nats a wave")
    report.write(path)


def _headline(outcome: "Outcome") -> Headline:
    score = outcome.scores[HEADLINE]
    others = {name: scores[HEADLINE] for name, scores in outcome.baselines.items()}
    best = max(others, key=lambda name: others[name].value)
    return Headline(
        "correlation with the true initial maps at k from 0.5 to 1 h/Mpc",
        score.value,
        score.low,
        score.high,
        others[best].value,
        baseline_label=f"for {_name_in_text(best)}",
        baseline_note="The best of the other methods, on the same boxes.",
        form=".3f",
    )


def _lead(outcome: "Outcome") -> str:
    measured = outcome.measured
    simulations = int(np.unique(measured.groups).size)
    standard = outcome.baselines[ZELDOVICH]["cross_correlation_mid_k"]
    return (
        f"Universes run backwards: from the density of today in {counted(len(measured.ids), 'box', 'boxes')} of "
        f"{counted(simulations, 'simulation')} that no training saw, the density from which they began"
        f"{_beginning(outcome)}. Maps are "
        f"slabs {measured.slab_depth:.2g} Mpc/h deep. Gravity is undone in steps by perturbation theory, a linear "
        "estimate joins what that gives, and a conditional variational autoencoder learns what is still missing "
        "and draws samples of what cannot be known. Standard reconstruction, which undoes gravity in one step, "
        f"reaches {format_number(standard.value, '.3f')} where the network reaches the number below."
    )


def _beginning(outcome: "Outcome") -> str:
    redshift = outcome.model.preprocess_settings.get("target_redshift")
    return "" if redshift is None else f": that at z = {redshift:.3g}, divided by linear growth up to then"


def _add_bands(section: Section, outcome: "Outcome") -> None:
    section.text("\n\n".join([_goals(outcome), _limits(outcome)]))
    for view, bands, words in (
        ("maps", outcome.maps, "Correlation r with the truth in slab maps, wavenumbers in their plane, h/Mpc."),
        ("boxes", outcome.boxes, "The same in three dimensions, where thin slices do not mix wavenumbers."),
    ):
        section.table(
            words,
            [Column("Method"), *(Column(name, ".3f") for name in BAND_NAMES)],
            [[METHODS[name], *bands[name].correlation[:, 0]] for name in METHODS if name in bands],
            strong=[0],
            notes=_interval_note(bands[NETWORK]) if view == "maps" else "",
        )
    section.table(
        "Transfer T in slab maps: root of the reconstructed over the true power.",
        [Column("Method"), *(Column(name, ".2f") for name in BAND_NAMES)],
        [[METHODS[name], *outcome.maps[name].transfer[:, 0]] for name in METHODS if name in outcome.maps],
        strong=[0],
        notes="A mean has to fade where less is known; a sample has to have the power of the truth.",
    )


def _interval_note(bands: "Bands") -> str:
    parts = [
        f"{name}: {format_interval(low, high, '.3f')}"
        for name, (_, low, high) in zip(BAND_NAMES, bands.correlation, strict=True)
    ]
    return f"95 % intervals of the network, simulations resampled as a whole: {'; '.join(parts)}."


def _goals(outcome: "Outcome") -> str:
    own = outcome.maps[NETWORK].correlation[:, 0]
    said = [
        f"r {'above' if own[band] > goal else 'NOT above'} {goal} at k from {BAND_NAMES[band]} h/Mpc "
        f"({own[band]:.3f})"
        for band, goal in GOALS
        if np.isfinite(own[band])
    ]
    return f"Goals: {'; '.join(said)}.\n\n{_margins(outcome)}"


def _name_in_text(method: str) -> str:
    name = METHODS[method].partition(",")[0].partition(" (")[0]
    return name if name.startswith("the ") else f"the {name}"


def _margins(outcome: "Outcome") -> str:
    """Say how the network stands to the best baseline of each band."""
    said = []
    for name, margin in zip(BAND_NAMES, outcome.margins, strict=True):
        if margin is None:
            continue
        interval = format_interval(margin.low, margin.high, "+.3f")
        place = "ahead of" if margin.value > 0 else "behind"
        clear = "" if margin.low > 0 or margin.high < 0 else ", which may be chance"
        said.append(
            f"at k {name} {place} {_name_in_text(margin.best)} by {abs(margin.value):.3f} "
            f"(95 % interval of the difference {interval}{clear})"
        )
    return f"Beside the best baseline of each band the mean is {'; '.join(said) or 'nowhere above chance'}."


def _limits(outcome: "Outcome") -> str:
    """Say where nothing can be known."""
    bands, physics = outcome.maps[NETWORK].correlation, outcome.maps[ZELDOVICH].correlation[:, 0]
    unknown = [band for band in zip(BAND_NAMES, bands, physics, strict=True) if band[1][0] < _UNKNOWN]
    faint = [
        f"at k {name} r is {row[0]:.2f}, so that {row[0] ** 2:.0%} of the power is explained"
        for name, row in zip(BAND_NAMES, bands, strict=True)
        if _UNKNOWN <= row[0] < _FAINT
    ]
    text = "; ".join(faint)
    first = f"Less is known of small scales: {text}. " if text else ""
    if not unknown:
        return f"{first}There is no band of which nothing is known."
    measured = " and ".join(f"{row[0]:.3f} ({format_interval(row[1], row[2], '.3f')})" for _, row, _ in unknown)
    most = max(row[0] ** 2 for _, row, _ in unknown)
    geometry = outcome.model.preparation.geometry
    end = np.pi * min(geometry.work) / geometry.box_size
    return (
        f"{first}At k {' and '.join(name for name, *_ in unknown)} h/Mpc next to nothing can be known: r is "
        f"{measured}, which is {'less than 0.1%' if most < 0.001 else f'{most:.1%}'} of the power. Matter has "
        "crossed its own paths there, and the final density forgot where it came from: the mean is all but "
        f"empty, and samples are noise of the right power. The network's grid ends at k = {end:.2g} in any case; "
        "standard reconstruction, which works on all cells, has r of "
        f"{' and '.join(f'{r:.3f}' for *_, r in unknown)} there."
    )


def _add_calibration(section: Section, outcome: "Outcome") -> None:
    score = outcome.scores["sample_calibration"]
    good = abs(score.value - 1) <= _CALIBRATED
    section.text(
        f"Samples scatter around their mean {format_number(score.value, '.2f')} times as much as the mean errs, "
        "in the band where this is furthest from 1 (95 % interval "
        f"{format_interval(score.low, score.high, '.2f')}): "
        + ("within" if good else "NOT within")
        + " the fifth that was aimed at."
    )
    rows = [
        [f"k {name}", *_with_interval(outcome.maps, band), *_with_interval(outcome.boxes, band)]
        for band, name in enumerate(BAND_NAMES)
    ]
    section.table(
        "Spread over error, both rms, with 95% intervals.",
        [Column("Band, h/Mpc"), *(Column(head, ".2f") for head in ("Maps", "Interval", "Boxes", "Interval"))],
        rows,
    )
    section.figures([draw_calibration(outcome.measured), draw_histograms(outcome.measured)])


def _with_interval(view: "Mapping[str, Bands]", band: int) -> list[Cell]:
    value, low, high = view[NETWORK].calibration[band]
    return [float(value), format_interval(low, high, ".2f")]


def _add_latents(section: Section, outcome: "Outcome") -> None:
    record = outcome.model.record
    latents = record["latents"]
    active = sum(bool(latent["active"]) for latent in latents)
    total = sum(latent["nats"] for latent in latents)
    section.text(
        f"{active} of {len(latents)} latent fields are in use: knowing the true initial field tells {total:.1f} "
        "nats about them beyond what the final field tells. They make the uncertainty depend on the place; how "
        "strong each scale's uncertainty is in a box comes from the noise, which is fitted wave by wave to what "
        "the mean misses in boxes that were not trained on."
    )
    section.table(
        "Divergence of each latent field from its prior, on validation boxes.",
        [Column("Latent"), Column("nats a cell", ".4f"), Column("nats a box", ".1f"), Column("in use")],
        [
            [f"{number}", latent["nats_per_cell"], latent["nats"], "yes" if latent["active"] else "no: collapsed"]
            for number, latent in enumerate(latents, start=1)
        ],
    )
    section.figure(draw_latents(record["latent_share"]))


def _add_scores(section: Section, outcome: "Outcome") -> None:
    definitions = [d for d in SCORES if d.name in outcome.scores]
    rows = [
        [METHODS[name], *(_value(scores.get(d.name)) for d in definitions)]
        for name, scores in ((NETWORK, outcome.scores), *outcome.baselines.items())
    ]
    section.table(
        "Scores of slab maps; wavenumbers k in h/Mpc.",
        [Column("Method"), *(Column(_SHORT.get(d.name, d.name), ".3f") for d in definitions)],
        rows,
        strong=[0],
        notes="95 % intervals of the network: "
        + "; ".join(
            f"{_SHORT.get(name, name)}: {format_interval(score.low, score.high, '.3f')}"
            for name, score in outcome.scores.items()
        )
        + ".",
    )


_SHORT = {
    "cross_correlation_low_k": "r, 0.2 to 0.5",
    "cross_correlation_mid_k": "r, 0.5 to 1",
    "cross_correlation_high_k": "r, 1 to 2",
    "transfer_low_k": "T, 0.2 to 0.5",
    "transfer_mid_k": "T, 0.5 to 1",
    "sample_calibration": "spread / error",
}


def _add_external(section: Section, outcome: "Outcome") -> None:
    learnt = json.loads(outcome.model.record["data"])["archive"]
    section.text(
        f"{counted(len(outcome.measured.ids), 'simulation')} of a folder, reconstructed by the same model. What "
        f"that has learnt is the gravity of its training data: {learnt}."
    )
    section.table(
        "Correlation r with the truth in slab maps, wavenumbers in h/Mpc.",
        [Column("Method"), *(Column(name, ".3f") for name in BAND_NAMES)],
        [[METHODS[name], *outcome.maps[name].correlation[:, 0]] for name in METHODS if name in outcome.maps],
        strong=[0],
        notes=_interval_note(outcome.maps[NETWORK]),
    )
    section.table(
        "Spread over error of the samples, both rms.",
        [Column("Band"), Column("Maps", ".2f")],
        [[f"k {name}", row[0]] for name, row in zip(BAND_NAMES, outcome.maps[NETWORK].calibration, strict=True)],
    )
    section.figures(
        [
            draw_correlation(outcome.measured.maps, "slab maps", outcome.measured.finest[0]),
            draw_calibration(outcome.measured),
        ]
    )


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value
