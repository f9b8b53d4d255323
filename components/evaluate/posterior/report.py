"""The report of an evaluation of posteriors."""

from pathlib import Path

import numpy as np

from components.common.figures import Figure
from components.common.report import Column, Headline, Report, Section, format_interval, format_number
from components.common.scores import Score
from components.evaluate.posterior.baselines import LABELS, MOMENTS, PRIOR, SPECTRUM, START
from components.evaluate.posterior.diagrams import NAMES, draw_methods, draw_parameters
from components.evaluate.posterior.feedback_section import add_feedback, by_chance
from components.evaluate.posterior.field_diagrams import draw_importance, draw_look
from components.evaluate.posterior.importance import METHODS
from components.evaluate.posterior.measuring import PLACES
from components.evaluate.posterior.outcome import Outcome, Sample
from components.evaluate.posterior.scores import COSMOLOGY, HEADLINE, SCORES, Posterior, rms_of
from components.evaluate.regression.calibration_diagrams import draw_coverage, draw_pit
from components.evaluate.training_section import add_training
from components.physics.multifield import COSMOLOGICAL, PARAMETERS

GOAL_RATIO, GOAL_CHI2, GOAL_CORRELATION = 0.85, (0.85, 1.15), 0.1
_LOSS = "moment loss"
INVENTED = (
    "What is real here and what is not: gravity is, at the resolution of a particle mesh, so that how matter "
    "answers to Ω_m and σ_8 is physics. Gas, stars and feedback are painted on by invented rules. How well "
    "feedback can be told, and which field tells most, is a property of these rules: the ranking below tests the "
    "machinery, and means nothing for CAMELS or for the sky."
)
OTHERS = (
    "The maps are of hydrodynamic simulations, whose feedback is a model: another code has another one, and the "
    "same strength of feedback means another thing there. The ranking of fields holds for the code trained on."
)
_BESIDE = (START, SPECTRUM, MOMENTS, PRIOR)


def write_report(path: Path, outcome: Outcome, title: str, slug: str) -> None:
    """Write the report as one HTML file."""
    report = Report(title, slug, outcome.provenance, headline=_headline(outcome), lead=_lead(outcome))
    _add_scores(report.section("Beside simpler methods"), outcome)
    _add_parameters(report.section("Parameter by parameter"), outcome.sample)
    _add_calibration(report.section("Are the bars honest?"), outcome.sample.posterior, outcome.sample.groups)
    add_feedback(report.section("Do errors depend on feedback?"), outcome)
    _add_fields(report.section("Which maps matter most?"), outcome)
    _add_look(report.section("Where the network looks"), outcome)
    if outcome.elsewhere:
        _add_elsewhere(report.section("Trained on one suite, tested on another"), outcome.elsewhere)
    if outcome.external is not None:
        other = outcome.external
        section = report.section("Other files", other.provenance)
        _add_elsewhere(section, {"all of them": other.scores, **other.by_suite})
        section.figure(draw_parameters(other.sample.posterior, other.sample.groups, (0, 1)))
    training = report.section("Training")
    if outcome.history:
        add_training(training, outcome.history, _LOSS)
    if outcome.history_marginal:
        training.text("The network without the demand for independence, over as many epochs:")
        add_training(training, outcome.history_marginal, _LOSS)
    report.write(path)


def _headline(outcome: Outcome) -> Headline:
    score = outcome.scores[HEADLINE]
    return Headline(
        "times the rms error of power spectra, for whichever of Ω_m and σ_8 fares worse",
        score.value,
        score.low,
        score.high,
        score.baseline,
        higher_is_better=False,
        form=".2f",
    )


def _lead(outcome: Outcome) -> str:
    sample = outcome.sample
    universes = np.unique(sample.groups.astype(np.str_)).size
    return (
        f"Universes weighed by their maps: mean and standard deviation of six parameters from one map of "
        f"{', '.join(outcome.fields)}, 25 Mpc/h wide and 5 deep. {len(sample)} maps of {universes} universes that "
        "no training saw. Fifteen maps show one universe: they are never averaged, and resampled together. "
        + (INVENTED if _is_painted(outcome) else OTHERS)
    )


def _is_painted(outcome: Outcome) -> bool:
    return "painted" in outcome.provenance.archive


def _add_scores(section: Section, outcome: Outcome) -> None:
    section.text(_goals(outcome))
    names = [f"network, {len(outcome.fields)} fields", *(LABELS[name] for name in _BESIDE)]
    rows = [outcome.scores, *(outcome.baselines[name] for name in _BESIDE)]
    if len(outcome.fields) > 1:
        names.insert(1, f"network, {outcome.fields[0]} alone")
        rows.insert(1, outcome.single_scores)
    pairs = [(row["omega_m_rms"], row["sigma_8_rms"]) for row in rows]
    section.figure(draw_methods(names, pairs, ("Ω_m", "σ_8")))
    section.table(
        "Scores of single maps. The first field alone is held against its own power spectrum.",
        [
            Column("Score"),
            Column("Network", ".4f"),
            Column("95 % interval"),
            Column(f"{outcome.fields[0]} alone", ".4f"),
            Column("Its ridge", ".4f"),
            Column("Power spectra", ".4f"),
            Column("Mean, variance", ".4f"),
            Column("Prior", ".4f"),
        ],
        [
            [
                definition.label,
                outcome.scores[definition.name].value,
                _on_one_line(outcome.scores[definition.name]),
                _value(outcome.single_scores, definition.name),
                *(_value(outcome.baselines[name], definition.name) for name in _BESIDE),
            ]
            for definition in SCORES
            if definition.name in outcome.scores
        ],
        notes="Baselines give no errors of their own: they get their rms errors on these maps, so that χ² is 1. "
        "Its ridge is the regression on moments and power spectra whose answer the network corrects.",
    )


def _on_one_line(score: Score) -> str:
    return format_interval(score.low, score.high, ".4f").replace(" ", "\u00a0")


def _value(scores: dict[str, Score], name: str) -> float | None:
    return scores[name].value if name in scores else None


def _goals(outcome: Outcome) -> str:
    ratio, single = (s["rms_over_power_spectrum"].value for s in (outcome.scores, outcome.single_scores))
    chi2, first = outcome.scores["chi2"].value, outcome.fields[0]
    every = "all fields" if len(outcome.fields) > 1 else first

    def word(reached: bool) -> str:
        return "reached" if reached else "NOT reached"

    said = [
        f"rms errors at least 15\u202f% below those of power spectra, with {every}: "
        f"{word(ratio <= GOAL_RATIO)} ({ratio:.2f} of them)"
    ]
    if every != first:
        said.append(f"with {first} alone: {word(single <= GOAL_RATIO)} ({single:.2f})")
    said.append(f"χ² from 0.85 to 1.15: {word(GOAL_CHI2[0] <= chi2 <= GOAL_CHI2[1])} ({chi2:.2f})")
    if "feedback_correlation" in outcome.scores:
        found = outcome.scores["feedback_correlation"].value
        said.append(
            f"no error correlated with feedback by 0.1 or more: {word(found < GOAL_CORRELATION)} ({found:.2f}; "
            f"{by_chance(outcome.chance)})"
        )
    return f"Goals: {'; '.join(said)}. {_simplest(outcome)}"


def _simplest(outcome: Outcome) -> str:
    """Say where mean and variance of the maps, which ask for no network, are ahead of it."""
    simple = outcome.baselines[MOMENTS]
    ahead = [
        f"{NAMES[name]} ({simple[f'{name}_rms'].value:.4f} to {outcome.scores[f'{name}_rms'].value:.4f})"
        for name in COSMOLOGICAL
        if simple[f"{name}_rms"].value < outcome.scores[f"{name}_rms"].value
    ]
    if not ahead:
        return "Mean and variance of the maps, by ridge regression, are behind the network in both."
    why = ""
    if {"Mtot", "Mgas"} <= set(outcome.fields):
        why = (
            " The density of baryons is the same in all these universes, so that the ratio of all gas to all "
            "matter in a map is Ω_m almost by itself."
        )
    return (
        "Mean and variance of the maps, by ridge regression, are AHEAD of the network in "
        f"{' and '.join(ahead)}.{why}"
    )


def _add_parameters(section: Section, sample: Sample) -> None:
    section.figures([draw_parameters(sample.posterior, sample.groups, which) for which in ((0, 1), (2, 3, 4, 5))])
    posterior = sample.posterior
    rows: list[list[str | float | None]] = []
    for place, name in enumerate(PARAMETERS):
        known = np.flatnonzero(np.isfinite(posterior.truth[:, place]))
        if not known.size:
            rows.append([NAMES[name], *[None] * 6])
            continue
        own = posterior[known]
        truth, residual, width = own.truth[:, place], own.residual[:, place], own.width[:, place]
        spread = float(truth.std())
        rms = float(rms_of(residual, np.ones((1, known.size)))[0])
        inside = [float(np.mean(np.abs(residual) <= sigma * width)) for sigma in (1, 2)]
        rows.append(
            [
                NAMES[name], rms, float(np.mean(width)), 1 - (rms / spread) ** 2 if spread else None,
                float(np.mean((residual / width) ** 2)), *inside,
            ]
        )  # fmt: skip
    section.table(
        "Rms error, predicted standard deviation, share of the variance explained, χ² and coverage.",
        [
            Column("Parameter"),
            Column("rms", ".4f"),
            Column("σ", ".4f"),
            Column("R²", ".3f"),
            Column("χ²", ".2f"),
            *(Column(f"within {n}σ", ".1%") for n in (1, 2)),
        ],
        rows,
        notes="Right are 68.3 and 95.4 %. Feedback in decades.".replace(" %", "\u202f%"),
    )


def _add_calibration(section: Section, posterior: Posterior, groups: np.ndarray) -> None:
    pit = posterior.pit[:, :COSMOLOGY].ravel()
    section.text(
        "Probabilities of Ω_m and σ_8 together, of normal distributions with the predicted means and standard "
        "deviations. Fifteen maps of a universe err together to some degree. The band of the histogram takes them "
        "for independent, and is too narrow; the intervals of the coverage are by universes."
    )
    section.figures([draw_pit(pit), _coverage(posterior.pit[:, :COSMOLOGY], groups)])


def _coverage(pit: np.ndarray, groups: np.ndarray) -> Figure:
    nominal = np.linspace(0.05, 0.95, 19)
    inside = (np.abs(pit - 0.5)[:, :, None] <= nominal / 2).mean(axis=1)
    names, member = np.unique(groups.astype(np.str_), return_inverse=True)
    counts = np.bincount(member)
    each = np.stack([np.bincount(member, column) / counts for column in inside.T])
    error = 2 * each.std(axis=1) / np.sqrt(len(names))
    observed = inside.mean(axis=0)
    return draw_coverage(nominal, observed, observed - error, observed + error)


def _add_fields(section: Section, outcome: Outcome) -> None:
    importance = outcome.importance
    if len(importance.fields) < 2:
        section.text("There is one field: nothing to compare it with.")
        return
    section.text(
        (INVENTED if _is_painted(outcome) else OTHERS)
        + f"\n\nAll fields together explain {importance.whole:.1%} of the variance of Ω_m and σ_8 in "
        f"{importance.universes} of these universes, on whose maps all that follows was asked. Fields that "
        "are left out are missing to the network as they were in a part of its training, so that it need not be "
        "trained anew; a network for one field alone may do better.".replace("%", "\u202f%")
    )
    section.figure(draw_importance(importance))
    pairs = list(importance.agreement.items())
    section.table(
        "Do the four rankings agree? Kendall's τ: 1 the same order, −1 the opposite.",
        [Column("Rankings"), Column("τ", ".2f")],
        [[f"{METHODS[one]} · {METHODS[other]}", tau] for (one, other), tau in pairs],
        notes=f"Of {len(importance.fields)} fields chance alone gives a τ of a third or more now and then.",
    )


def _add_look(section: Section, outcome: Outcome) -> None:
    section.figure(draw_look(outcome.look, outcome.fields[0]))
    section.table(
        f"Shares of the gradient by the density of {outcome.fields[0]}, smoothed over a pixel.",
        [Column("Place"), Column("What it is"), *(Column(name, ".1%") for name in ("area", "for Ω_m", "for σ_8"))],
        [[name, PLACES[name], *shares] for name, shares in outcome.look.shares.items()],
        notes="A gradient tells what a small change would do, not what information there is.",
    )


def _add_elsewhere(section: Section, found: dict[str, dict[str, Score]]) -> None:
    shown = [definition for definition in SCORES if any(definition.name in scores for scores in found.values())]
    section.text(
        "Precision and honesty of bars on maps whose feedback the network has not met. A χ² far above 1 says that "
        "it is sure of what is wrong there."
    )
    section.table(
        "Scores by suite and set.",
        [Column("Score"), *(Column(name, numeric=True) for name in found)],
        [[d.label, *(format_number(_value(scores, d.name), ".3f") for scores in found.values())] for d in shown],
    )
