"""Strain as a kind of data whose classes are evaluated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.report import Column, Report
from components.common.resampling import bootstrap_weights
from components.common.scores import INTERVAL_LEVEL, Floats, Score
from components.common.scores_classification import ClassPredictions, roc_auc
from components.common.tables import column
from components.evaluate.classification.kinds import Kind
from components.evaluate.classification.metrics import Feature
from components.evaluate.classification.outcome import Model, Outcome
from components.evaluate.classification.report import Evaluation
from components.evaluate.classification.strain_baselines import LABELS, MATCHED_FILTER, TEMPLATES, StrainBaselines
from components.evaluate.classification.strain_diagrams import draw_efficiency, draw_window
from components.evaluate.classification.strain_efficiency import (
    FALSE_POSITIVE_RATE,
    auc_ratio,
    efficiency_by,
    half_efficiency,
    statistics,
)
from components.evaluate.classification.strain_external import predict_external
from components.evaluate.networks import load_conv1d
from components.predict.strain.plots import LOUD

INPUTS = ("strain",)
GROUP = "group_id"
SIGNAL = "signal"
_RESAMPLES = 200
SNR_EDGES = (1.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, np.inf)
MASS_EDGES = (8.0, 12.0, 16.0, 22.0, 30.0, 40.0, 55.0, 75.0)
PICTURES = 2

_COLUMNS = ("snr_network", "snr_h1", "snr_l1", "snr_v1", "mass_1", "mass_2", "chirp_mass", "merger_time")
_PREPARED = ("classes", "detectors", "psd", "samples", "sample_rate", "taper", "band", "low_hz", "high_hz")

FIELDS = (
    column("id", "string", "window"),
    column(GROUP, "string", "windows that share noise or a wave share it"),
    *(column(name, "float64", f"{name}, as in the data set; NaN or 0 for noise") for name in _COLUMNS),
)

_FALSE_ALARMS = f"{100 * FALSE_POSITIVE_RATE:.0f}\u202f%"

Strain = npt.NDArray[np.float32]


def _shifted(seconds: float, *detectors: int) -> Callable[[Strain, float], Strain]:
    def change(strain: Strain, sample_rate: float) -> Strain:
        moved = strain.copy()
        moved[:, detectors] = np.roll(strain[:, detectors], round(seconds * sample_rate), -1)
        return moved

    return change


def _ordered(*order: int) -> Callable[[Strain, float], Strain]:
    return lambda strain, _: np.ascontiguousarray(strain[:, order])


def _alone(*kept: int) -> Callable[[Strain, float], Strain]:
    def change(strain: Strain, _: float) -> Strain:
        left = np.zeros_like(strain)
        left[:, kept] = strain[:, kept]
        return left

    return change


CHANGES: Mapping[str, Callable[[Strain, float], Strain]] = {
    "nothing": _alone(0, 1, 2),
    "all detectors 50 ms later": _shifted(0.05, 0, 1, 2),
    "Livingston 0.2 s later": _shifted(0.2, 1),
    "Hanford and Livingston exchanged": _ordered(1, 0, 2),
    "Hanford and Virgo exchanged": _ordered(2, 1, 0),
    "Virgo silent": _alone(0, 1),
    "Hanford alone": _alone(0),
}
"""What is done to windows to see what the model rests on."""


@dataclass(frozen=True)
class Reactions:
    """What the model says of changed windows.

    Attributes
    ----------
    windows : int
        How many were changed, of both classes.
    auc, of_signal, of_noise : dict of str to float
        By change: area under the ROC curve, and mean probability of a wave in windows with and without one.
    interval : dict of str to (float, float)
        Of the areas.
    sample_rate : float
        In Hz.
    """

    windows: int
    auc: dict[str, float]
    of_signal: dict[str, float]
    of_noise: dict[str, float]
    interval: dict[str, tuple[float, float]]
    sample_rate: float


def _preparation(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings.get(name) for name in _PREPARED}


def _extra_scores(outcome: Outcome, resamples: int, seed: int) -> dict[str, Score]:
    groups = outcome.columns[GROUP]
    found = {"auc_over_matched_filter": auc_ratio(outcome, groups, resamples, seed)}
    half = half_efficiency(outcome, groups, resamples, seed)
    return found | ({"snr_at_half_efficiency": half} if half else {})


def _examine(model: Model, outcome: Outcome, settings: Mapping[str, Any]) -> Reactions:
    strain, rate = outcome.sample_data["strain"], float(settings["sample_rate"])
    truth = outcome.truth[outcome.sample]
    is_wave = truth == outcome.positive
    reactions = Reactions(len(strain), {}, {}, {}, {}, rate)
    weights = np.concatenate(list(bootstrap_weights(outcome.columns[GROUP][outcome.sample], _RESAMPLES, 0)))
    tail = (1 - INTERVAL_LEVEL) / 2
    for name, change in CHANGES.items():
        probability: Floats = np.asarray(model.predict(change(strain, rate)))
        changed = ClassPredictions(truth, probability, outcome.positive)
        reactions.auc[name] = float(roc_auc(changed, np.ones((1, len(truth))))[0])
        low, high = np.nanquantile(roc_auc(changed, weights), [tail, 1 - tail])
        reactions.interval[name] = (float(low), float(high))
        reactions.of_signal[name] = float(probability[is_wave, outcome.positive].mean())
        reactions.of_noise[name] = float(probability[~is_wave, outcome.positive].mean())
    return reactions


def _add_sections(report: Report, e: Evaluation) -> None:
    _add_efficiency(report, e)
    _add_reactions(report, e.findings)
    _add_pictures(report, e)


def _add_efficiency(report: Report, e: Evaluation) -> None:
    section = report.section("How loud, how heavy")
    ratio = e.extra["auc_over_matched_filter"]
    section.text(
        f"The yardstick is a matched filter with {TEMPLATES} templates, of masses and spins like the injected "
        f"ones and of the noise that whitened the windows. It takes the loudest template and time, and asks "
        f"nothing of phases and loudness between detectors: a little more is possible. The model reaches "
        f"{ratio.value:.3f} of its area under the ROC curve "
        f"({ratio.low:.3f} to {ratio.high:.3f}, on the same windows and resamples)."
    )
    if half := e.extra.get("snr_at_half_efficiency"):
        section.text(
            f"Where {_FALSE_ALARMS} of the noise is taken for a wave, half of the waves are found at a "
            f"signal-to-noise ratio of the network of {half.value:.2f} ({half.low:.2f} to {half.high:.2f})."
        )
    labels = {"model": "model", MATCHED_FILTER: LABELS[MATCHED_FILTER]}
    quantities = (
        ("snr_network", "signal-to-noise ratio of the network", SNR_EDGES),
        ("chirp_mass", "chirp mass in solar masses", MASS_EDGES),
    )
    for name, quantity, edges in quantities:
        found = efficiency_by(e.outcome, name, edges)
        if len(found.low):
            section.figure(draw_efficiency(found, quantity, labels))


def _add_reactions(report: Report, found: Reactions) -> None:
    section = report.section("What it rests on")
    section.table(
        f"The model on {found.windows} test windows that were changed.",
        [
            Column("Change"),
            Column("Area under the ROC curve", ".3f"),
            Column("95\u202f% interval"),
            Column("Mean probability of a wave where there is one", ".3f"),
            Column("where there is none", ".3f"),
        ],
        [
            [
                name,
                auc,
                _range(*found.interval[name]),
                found.of_signal[name],
                found.of_noise[name],
            ]
            for name, auc in found.auc.items()
        ],
        notes="A later wave is as much a wave, and the LIGO detectors are alike: these should change nothing. A "
        "model that rests on coincidence loses when one detector is late by more than light takes, or silent. "
        "The windows are the same in every line, so that lines differ by less than their intervals say.",
    )


def _range(low: float, high: float) -> str:
    return f"{low:.3f}\u00a0to\u00a0{high:.3f}"


def _add_pictures(report: Report, e: Evaluation) -> None:
    section = report.section("Found, missed, mistaken")
    section.text(
        f"Windows of the test set, whitened, as energy in time and frequency: the darkest is {LOUD:.0f} times the "
        "mean energy of noise, or more. A line marks when a wave merges. The ends of a window are faded out. What "
        "is found by adding up a long wave need not be seen here by eye."
    )
    outcome, rate = e.outcome, e.findings.sample_rate
    probability = statistics(outcome)["model"]
    waves, said = outcome.truth == outcome.positive, probability > 0.5
    snr = np.nan_to_num(np.asarray(outcome.columns["snr_network"], dtype=np.float64))
    rows = np.concatenate([outcome.sample, outcome.worst])
    parts = [data["strain"] for data in (outcome.sample_data, outcome.worst_data) if data]
    strain = dict(zip(rows.tolist(), np.concatenate(parts), strict=True))
    kept = np.array(sorted(strain))
    groups = {
        "found": (waves & said, probability),
        "missed": (waves & ~said, snr),
        "noise taken for a wave": (~waves & said, probability),
    }
    for name, (members, order) in groups.items():
        chosen = kept[members[kept]]
        chosen = chosen[np.argsort(-order[chosen], kind="stable")][:PICTURES]
        section.figures(
            [
                draw_window(
                    strain[int(row)],
                    rate,
                    float(outcome.columns["merger_time"][row]),
                    _describe(outcome, int(row), name, float(probability[row])),
                )
                for row in chosen
            ]
        )


def _describe(outcome: Outcome, row: int, name: str, probability: float) -> str:
    snr, mass = (float(outcome.columns[key][row]) for key in ("snr_network", "chirp_mass"))
    wave = (
        f" S/N of the network {snr:.1f}, chirp mass {mass:.0f} solar masses."
        if snr > 0 and np.isfinite(mass)
        else ""
    )
    return f"{outcome.columns['id'][row]}: {name}; probability of a wave {100 * probability:.0f}\u202f%.{wave}"


STRAIN = Kind(
    name="strain",
    noun="windows of strain",
    inputs=INPUTS,
    group=GROUP,
    fields=FIELDS,
    positive=SIGNAL,
    features=(
        Feature("snr_network", "signal-to-noise ratio of the network", SNR_EDGES, "accuracy"),
        Feature("chirp_mass", "chirp mass in solar masses", MASS_EDGES, "accuracy"),
    ),
    preparation=_preparation,
    load_model=load_conv1d,
    baselines=lambda table, model, seed: StrainBaselines(table, model.classes, seed),
    extra_scores=_extra_scores,
    examine=_examine,
    add_sections=_add_sections,
    external=lambda _, folder, model, baselines: predict_external(
        folder, model, baselines, [field.name for field in FIELDS], GROUP, SIGNAL
    ),
    extra_notes="AUC over matched filter: area under the ROC curve over that of the matched filter. S/N at half "
    f"efficiency: where half of the waves are found while {_FALSE_ALARMS} of the noise is; left out where not "
    "even the loudest are.",
)
"""Strain: waves are looked for."""
