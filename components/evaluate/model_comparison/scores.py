"""How regressions of redshift and magnitude are judged, side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common import scores
from components.common.distributions import ONE_SIGMA
from components.common.scores import Definition, Floats, Predictions
from components.evaluate.regression.redshift import of_velocity, velocity_km_s
from components.physics.constants import SPEED_OF_LIGHT_KM_S

HEADLINE = "nmad_km_s"
OUTLIER = 0.01
"""|dz| / (1 + z) beyond which a galaxy's redshift is an outlier: 3000 km/s, several times its peculiar
velocity."""


def _of_residual(function: Callable[..., Floats]) -> Callable[[Predictions, Floats], Floats]:
    return lambda p, weights: function(p.value - p.truth, weights)


REDSHIFT = (
    Definition("nmad_km_s", "NMAD of dv", "km/s", "lower", of_velocity(scores.nmad)),
    Definition("bias_km_s", "median of dv", "km/s", "target", of_velocity(scores.bias), 0.0),
    Definition("rmse_km_s", "root mean square of dv", "km/s", "lower", of_velocity(scores.rmse)),
    Definition(
        "outlier_fraction",
        "outliers, |dz|/(1+z) > 0.01",
        "",
        "lower",
        of_velocity(scores.outlier_fraction, OUTLIER * SPEED_OF_LIGHT_KM_S),
        is_fraction=True,
    ),
    Definition(
        "catastrophic_fraction",
        "catastrophic, |dz|/(1+z) > 0.05",
        "",
        "lower",
        of_velocity(scores.outlier_fraction, 0.05 * SPEED_OF_LIGHT_KM_S),
        is_fraction=True,
    ),
    Definition("r2", "R^2 of z", "", "higher", lambda p, weights: scores.r2(p.truth, p.value, weights)),
    *scores.CALIBRATION,
)
"""Scores of redshifts."""

BINNED_SCORES = ("nmad_km_s", "outlier_fraction", "coverage_68")
"""Those that are told by redshift and signal-to-noise ratio."""

MAGNITUDE = (
    Definition("magnitude_r_rms", "root mean square error of r", "mag", "lower", _of_residual(scores.rmse)),
    Definition("magnitude_r_bias", "median error of r", "mag", "target", _of_residual(scores.bias), 0.0),
    Definition(
        "magnitude_r_r2", "R^2 of r", "", "higher", lambda p, weights: scores.r2(p.truth, p.value, weights)
    ),
    Definition(
        "magnitude_r_coverage_68",
        "r inside the 68\u00a0% interval",
        "",
        "target",
        scores.coverage,
        ONE_SIGMA,
        needs_distribution=True,
        is_fraction=True,
    ),
)
"""Scores of magnitudes."""


def outlier_roc(sigma: Floats, predictions: Predictions) -> dict[str, Any]:
    """How well the predicted error finds the outliers: the ROC curve of a detector, not of the regression.

    Parameters
    ----------
    sigma : ndarray, shape (n,)
        Predicted error of the redshift.
    predictions : Predictions
        Of n objects.

    Returns
    -------
    dict
        `fpr`, `tpr` and `auc`, and the number of `outliers`; without an outlier, or with nothing else, the curve
        is empty and the area None.
    """
    wrong = np.abs(velocity_km_s(predictions.value, predictions.truth)) > OUTLIER * SPEED_OF_LIGHT_KM_S
    found: dict[str, Any] = {"fpr": [], "tpr": [], "auc": None, "outliers": int(wrong.sum())}
    if 0 < wrong.sum() < wrong.size:
        from sklearn.metrics import roc_auc_score, roc_curve

        doubt = sigma / (1 + predictions.value)
        fpr, tpr, _ = roc_curve(wrong, doubt)
        found |= {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "auc": float(roc_auc_score(wrong, doubt))}
    return found


def bin_confusion(predictions: Predictions, edges: Floats) -> npt.NDArray[np.int64]:
    """Count objects by true bin (rows) and predicted bin (columns) of redshift; the last bins are open."""
    bins = [
        np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        for values in (predictions.truth, predictions.value)
    ]
    counts = np.zeros((len(edges) - 1, len(edges) - 1), dtype=np.int64)
    np.add.at(counts, tuple(bins), 1)
    return counts


def confusion_edges(truth: Floats, bins: int = 8) -> Floats:
    """Return edges between which there are equally many training redshifts, rounded to be read."""
    return np.unique(np.round(np.quantile(truth, np.linspace(0, 1, bins + 1)), digits_of(truth)))


def digits_of(redshift: Floats) -> int:
    """Return to how many decimals edges of redshift bins are rounded: two, or more for velocities of stars."""
    spread = float(np.quantile(redshift, 0.95) - np.quantile(redshift, 0.05))
    return max(2, int(np.ceil(-np.log10(max(spread, 1e-6)))) + 1)
