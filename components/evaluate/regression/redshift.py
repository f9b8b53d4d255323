"""How redshifts are judged: by the velocity that an error amounts to.

dv = c (z_pred - z) / (1 + z) is what a shift of the spectrum means at any redshift, and what pixels of a grid in
log wavelength measure. Redshift differences themselves would call the same shift three times worse at z = 2.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common import scores
from components.common.resampling import weighted_quantile
from components.common.scores import Definition, Floats, Predictions, Score
from components.physics.constants import SPEED_OF_LIGHT_KM_S

ACCURACY_LIMITS_KM_S = (1000, 3000, 6000, 12000, 30000)
"""From what a survey wants (1000) over what the workshop paper calls accurate (6000) to not the wrong line."""

CATASTROPHIC = 0.05
"""|dz| / (1 + z) beyond which a redshift is wrong and not imprecise: 15,000 km/s.

The closest strong ultraviolet lines, Si IV and C IV, are a tenth apart, so confusing any two of these is beyond;
no width or shift of a broad line is.
"""

HEADLINE = "accuracy_6000_km_s"

PUBLISHED = {HEADLINE: 0.97}
"""FNet on real DR16Q spectra (arXiv:2201.03393); the workshop paper states the same number."""

REDSHIFT_EDGES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 7.0)
SN_EDGES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, np.inf)


def velocity_km_s(redshift: Floats, truth: Floats) -> Floats:
    """Error of redshifts as velocity, c (redshift - truth) / (1 + truth), in km/s."""
    return np.asarray(SPEED_OF_LIGHT_KM_S * (redshift - truth) / (1 + truth))


def of_velocity(function: Callable[..., Floats], *arguments: float) -> Callable[[Predictions, Floats], Floats]:
    """Make a score of redshifts of a score of residuals."""
    return lambda p, weights: function(velocity_km_s(p.value, p.truth), weights, *arguments)


def _quantile_of_size(velocity: Floats, weights: Floats, level: float) -> Floats:
    return weighted_quantile(np.abs(velocity), weights, level)


SCORES: tuple[Definition, ...] = (
    *(
        Definition(
            f"accuracy_{limit}_km_s",
            f"within {limit} km/s",
            "",
            "higher",
            of_velocity(scores.fraction_within, limit),
            is_fraction=True,
        )
        for limit in ACCURACY_LIMITS_KM_S
    ),
    Definition("median_dv_km_s", "median |dv|", "km/s", "lower", of_velocity(_quantile_of_size, 0.5)),
    Definition("p90_dv_km_s", "90th percentile of |dv|", "km/s", "lower", of_velocity(_quantile_of_size, 0.9)),
    Definition("nmad_km_s", "NMAD of dv", "km/s", "lower", of_velocity(scores.nmad)),
    Definition("bias_km_s", "median of dv", "km/s", "target", of_velocity(scores.bias), 0.0),
    Definition(
        "catastrophic_fraction",
        "catastrophic, |dz|/(1+z) > 0.05",
        "",
        "lower",
        of_velocity(scores.outlier_fraction, CATASTROPHIC * SPEED_OF_LIGHT_KM_S),
        is_fraction=True,
    ),
    *scores.CALIBRATION,
)
"""Accuracies are fractions and need the constant beside them: in a narrow range of redshifts it does well too."""

TABLE_SCORES = ("accuracy_6000_km_s", "median_dv_km_s", "catastrophic_fraction", "coverage_68")


def score_by(
    quantity: npt.NDArray[Any],
    edges: Sequence[float],
    predictions: Predictions,
    groups: npt.NDArray[Any],
    resamples: int,
    seed: int,
    definitions: Sequence[Definition] = SCORES,
    names: Sequence[str] = TABLE_SCORES,
) -> list[dict[str, Any]]:
    """Compute scores in bins of a quantity such as redshift or S/N.

    Parameters
    ----------
    quantity : ndarray, shape (n,)
        What to bin by.
    edges : sequence of float
        Edges of the bins; each holds its lower edge. Empty bins are left out.
    predictions, groups, resamples, seed
        As for `components.common.scores.score`.
    definitions, names : sequence
        Scores, and which of them.

    Returns
    -------
    list of dict
        Each with `low`, `high` (None where the bin is open), `count`, and a `Score` for each of `names`.
    """
    wanted = [d for d in definitions if d.name in names]
    bins = np.digitize(quantity, edges) - 1
    rows: list[dict[str, Any]] = []
    for number in np.unique(bins[(bins >= 0) & (bins < len(edges) - 1)]):
        inside = bins == number
        found: dict[str, Score] = scores.score(wanted, predictions[inside], groups[inside], resamples, seed)
        high = edges[number + 1]
        rows.append(
            {
                "low": float(edges[number]),
                "high": float(high) if np.isfinite(high) else None,
                "count": int(inside.sum()),
                **found,
            }
        )
    return rows


def risk_coverage(sigma: Floats, predictions: Predictions, points: int = 50) -> dict[str, list[float]]:
    """How the catastrophic fraction falls when only the objects with the smallest sigma / (1 + z) are kept.

    Parameters
    ----------
    sigma : ndarray, shape (n,)
        Uncertainty that the model gives.
    predictions : Predictions
        Of n objects.
    points : int
        Length of the curve.

    Returns
    -------
    dict
        `kept`, fractions of the objects, and `catastrophic_fraction` among these.
    """
    order = np.argsort(sigma / (1 + predictions.value))
    wrong = np.abs(velocity_km_s(predictions.value, predictions.truth)) > CATASTROPHIC * SPEED_OF_LIGHT_KM_S
    fraction = np.cumsum(wrong[order]) / np.arange(1, order.size + 1)
    at = np.unique(np.linspace(0, order.size, points + 1).round().astype(int)[1:])
    at = at[at > 0]
    return {"kept": (at / order.size).tolist(), "catastrophic_fraction": fraction[at - 1].tolist()}
