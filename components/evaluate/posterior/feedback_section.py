"""The part of the report that asks whether errors depend on feedback."""

import numpy as np

from components.common.report import Column, Section, format_number
from components.evaluate.posterior.diagrams import NAMES, draw_feedback
from components.evaluate.posterior.outcome import Outcome
from components.evaluate.posterior.scores import COSMOLOGY, Chance, feedback_correlations
from components.physics.multifield import COSMOLOGICAL, PARAMETERS

_WAYS = {
    "marginal": "Nothing but the average over feedback was asked of this network.",
    "hsic": "Training punished dependence of errors on feedback, by the Hilbert-Schmidt criterion: with "
    "linear kernels over all training maps in the ridge that it begins from, with normal ones in the network.",
    "adversarial": "Training had an adversary guess feedback from errors, against which the network worked; in "
    "the ridge that it begins from, covariances of errors with feedback were punished.",
}

_ONE_IN_HUNDRED = 0.01


def by_chance(chance: Chance | None) -> str:
    """Say what chance gives."""
    if chance is None:
        return "nothing is known of chance"
    share = f"{chance.share:.0%}" if chance.share >= _ONE_IN_HUNDRED else "less than 1%"
    return (
        f"by chance {chance.mean:.2f} on average, above {chance.high:.2f} once in twenty times, and at least "
        f"as much in {share} of cases".replace("%", "\u202f%")
    )


def add_feedback(section: Section, outcome: Outcome) -> None:
    """Say what errors have to do with feedback, what chance gives, and what independence costs."""
    if "feedback_correlation" not in outcome.scores:
        section.text("These universes have no feedback, or all the same: there is nothing to depend on.")
        return
    own = outcome.scores["feedback_correlation"].value
    text = (
        f"{_WAYS[outcome.invariance]} The largest of eight correlations is {own:.2f}; {by_chance(outcome.chance)}."
    )
    if outcome.cost:
        costs = [
            f"{NAMES[name.removesuffix('_rms')]} {format_number(factor - 1, '+.1%')}"
            for name, factor in outcome.cost.items()
        ]
        before = outcome.marginal["feedback_correlation"].value
        text += (
            f"\n\nIts cost, beside a network trained alike without: rms errors change by {' and '.join(costs)}; "
            f"there the largest correlation is {before:.2f}."
        )
    section.text(text)
    section.figure(draw_feedback(outcome.sample.posterior, outcome.chance))
    posterior = outcome.sample.posterior
    found = feedback_correlations(posterior, np.ones((1, len(posterior))))[0]
    section.table(
        "Correlations of errors with feedback, at given cosmology.",
        [
            Column("Error of"),
            *(Column(NAMES[name].removeprefix("log "), "+.3f") for name in PARAMETERS[COSMOLOGY:]),
        ],
        [[NAMES[name], *(float(value) for value in row)] for name, row in zip(COSMOLOGICAL, found, strict=True)],
    )
