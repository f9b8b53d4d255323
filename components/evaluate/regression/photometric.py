"""How redshifts of pictures and magnitudes are judged: by dz / (1 + z), as the literature on them does."""

from collections.abc import Callable, Mapping

import numpy as np

from components.common import scores
from components.common.resampling import bootstrap_weights
from components.common.scores import INTERVAL_LEVEL, Definition, Floats, Predictions, Score
from components.evaluate.regression.outcome import Outcome
from components.evaluate.regression.photometric_baselines import FOREST, PLAIN_FOREST

HEADLINE = "nmad"
OVER_BASELINE, OVER_PLAIN = "nmad_over_baseline", "nmad_over_forest_without_colours"

OUTLIER, FAR_OUTLIER = 0.05, 0.15
"""|dz| / (1 + z) beyond which a redshift of the main galaxy sample is an outlier, and that of a deep survey."""

PUBLISHED = {HEADLINE: 0.0091, "outlier_fraction": 0.0031}
"""Pasquet et al. 2019 (A&A 621, A26), on half a million galaxies in five bands: below 0.01 by their abstract, and
about 0.3 % of outliers."""

PUBLISHED_SOURCE = "Pasquet et al. 2019, real pictures of half a million galaxies in five bands"

_ABOVE_ONE, _ABOVE_90 = np.nextafter([1.0, 90.0], 100.0).tolist()  # bins hold their lower edges alone

REDSHIFT_EDGES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, np.inf)
MAGNITUDE_EDGES = (0.0, 15.0, 16.0, 16.5, 17.0, 17.4, 17.8, 19.0, np.inf)
AXIS_RATIO_EDGES = (0.0, 0.3, 0.45, 0.6, 0.75, 0.9, _ABOVE_ONE)
INCLINATION_EDGES = (0.0, 30.0, 45.0, 60.0, 75.0, _ABOVE_90)

TABLE_SCORES = ("nmad", "bias", "outlier_fraction", "coverage_68")


def relative_error(redshift: Floats, truth: Floats) -> Floats:
    """Error of redshifts, (redshift - truth) / (1 + truth)."""
    return np.asarray((redshift - truth) / (1 + truth))


def _of_error(function: Callable[..., Floats], *arguments: float) -> Callable[[Predictions, Floats], Floats]:
    return lambda p, weights: function(relative_error(p.value, p.truth), weights, *arguments)


SCORES: tuple[Definition, ...] = (
    Definition("nmad", "NMAD of dz/(1+z)", "", "lower", _of_error(scores.nmad)),
    Definition("bias", "median of dz/(1+z)", "", "target", _of_error(scores.bias), 0.0),
    *(
        Definition(
            name,
            f"outliers, |dz|/(1+z) > {limit}",
            "",
            "lower",
            _of_error(scores.outlier_fraction, limit),
            is_fraction=True,
        )
        for name, limit in (("outlier_fraction", OUTLIER), (f"outlier_fraction_{FAR_OUTLIER}", FAR_OUTLIER))
    ),
    *scores.CALIBRATION,
)
"""NMAD alone flatters, since outliers do not move it: the fraction of these stands beside it."""


def nmad_over_baseline(outcome: Outcome, resamples: int, seed: int) -> dict[str, Score]:
    """Divide the model's NMAD by that of the random forests, on the same objects and the same resamples.

    Below 1 the model is better than the forest, which has the magnitudes of the same objects, and no picture. The
    forest that has to find the colours by itself is the weaker one: it is what many would try, and flatters.
    """
    forests = {OVER_BASELINE: FOREST, OVER_PLAIN: PLAIN_FOREST}
    return {
        name: _ratio(outcome, forest, resamples, seed)
        for name, forest in forests.items()
        if forest in outcome.columns
    }


def _ratio(outcome: Outcome, other: str, resamples: int, seed: int) -> Score:
    c = outcome.columns
    own, others = (relative_error(c[name], c["truth"]) for name in ("redshift", other))

    def ratio(weights: Floats) -> Floats:
        spread = scores.nmad(others, weights)
        undefined = np.full(len(spread), np.nan)
        return np.asarray(np.divide(scores.nmad(own, weights), spread, out=undefined, where=spread > 0))

    drawn = np.concatenate([ratio(weights) for weights in bootstrap_weights(outcome.groups, resamples, seed)])
    value = float(ratio(np.ones((1, len(own))))[0])
    tail = (1 - INTERVAL_LEVEL) / 2
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [tail, 1 - tail]) if known.size else (np.nan, np.nan)
    return Score(value, float(low), float(high))


def verdict(ratios: Mapping[str, Score], outcome: Outcome) -> str:
    """Say in words whether the model has a case, from the numbers alone."""
    ratio, c = ratios[OVER_BASELINE], outcome.columns
    ones = np.ones((1, len(c["truth"])))
    spread = {
        name: float(scores.nmad(relative_error(c[name], c["truth"]), ones)[0])
        for name in ("redshift", *outcome.labels)
        if name != "constant"
    }
    best = min((name for name in spread if name != "redshift"), key=lambda name: spread[name])
    interval = f"{ratio.low:.2f} to {ratio.high:.2f}"
    text = (
        f"The model's NMAD is {spread['redshift']:.4f}, that of the random forest on magnitudes and colours of "
        f"the same galaxies {spread[FOREST]:.4f}: {ratio.value:.2f} times it ({interval}, resampling both "
        "together). "
    )
    if ratio.high < 1:
        text += "It is better than the forest, beyond the sampling error."
    elif ratio.low > 1:
        text += "It loses to the forest: a network of pictures that loses to five magnitudes has no case."
    else:
        text += "The two cannot be told apart on these galaxies: the network has no case yet."
    if (plain := ratios.get(OVER_PLAIN)) is not None:
        text += (
            f" A forest without the colours reaches {spread[PLAIN_FOREST]:.4f}; the model has {plain.value:.2f} "
            f"times that ({plain.low:.2f} to {plain.high:.2f})."
        )
    if best != FOREST:
        word = "below" if spread[best] < spread["redshift"] else "above"
        text += (
            f" The best of the simpler methods, none of which sees a picture, is the {outcome.labels[best]}, at "
            f"{spread[best]:.4f}, {word} it."
        )
    return text
