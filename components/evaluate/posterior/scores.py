"""What is said of the parameters of universes, and how it is scored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from components.common.distributions import ONE_SIGMA
from components.common.resampling import weighted_mean
from components.common.scores import Definition, r2
from components.physics.multifield import COSMOLOGICAL

Floats = npt.NDArray[np.float64]

OMEGA_M, SIGMA_8 = range(len(COSMOLOGICAL))
COSMOLOGY = len(COSMOLOGICAL)
_TINY = 1e-12


@dataclass(frozen=True)
class Posterior:
    """What is known of n maps, in the coordinates of `train.moment_network.parameters`.

    Attributes
    ----------
    truth, mean, width : ndarray, shape (n, 6)
        True values, NaN where there is none, and the posterior's mean and standard deviation.
    reference : ndarray, shape (n, 2)
        Omega_m and sigma_8 by the power spectra of the same maps.
    """

    truth: Floats
    mean: Floats
    width: Floats
    reference: Floats

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Posterior":
        return Posterior(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence["Posterior"]) -> "Posterior":
        """Put maps after each other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    @property
    def residual(self) -> Floats:
        """Mean less truth."""
        return self.mean - self.truth

    @property
    def pit(self) -> Floats:
        """Predicted distribution function at the truth, of a normal distribution, shape (n, 6)."""
        return np.asarray(stats.norm.cdf(self.truth, self.mean, self.width))


def rms_of(residual: Floats, weights: Floats) -> Floats:
    """Root mean square of residuals (n,), under each row of weights."""
    return np.asarray(np.sqrt(weighted_mean(residual**2, weights)))


def rms_ratio(posterior: Posterior, weights: Floats) -> Floats:
    """Rms over that of the power spectra, of whichever of omega_m and sigma_8 fares worse."""
    ratios = [
        rms_of(posterior.residual[:, place], weights)
        / np.maximum(rms_of(posterior.reference[:, place] - posterior.truth[:, place], weights), _TINY)
        for place in range(COSMOLOGY)
    ]
    return np.asarray(np.max(ratios, axis=0))


def chi2(posterior: Posterior, weights: Floats) -> Floats:
    """Mean of squared errors over predicted variances, of omega_m and sigma_8; 1 where widths are right."""
    squared = (posterior.residual[:, :COSMOLOGY] / posterior.width[:, :COSMOLOGY]) ** 2
    return weighted_mean(squared.mean(axis=1), weights)


def feedback_correlations(posterior: Posterior, weights: Floats) -> Floats:
    """Correlation of the errors of omega_m and sigma_8 with feedback, shape (resamples, 2, 4).

    Partial ones, at given true omega_m and sigma_8: an estimate leans towards the middle of the prior, so that its
    error depends on the truth, and among a few dozen universes feedback goes with the truth by chance.
    """
    feedback = posterior.truth[:, COSMOLOGY:]
    known = np.asarray(np.isfinite(feedback).all(axis=1))
    if known.sum() < 8 or not (feedback[known].std(axis=0) > 0).any():
        return np.full((len(weights), COSMOLOGY, feedback.shape[1]), np.nan)
    given = np.column_stack([np.ones(len(posterior)), posterior.truth[:, :COSMOLOGY]])
    columns = np.column_stack([given, posterior.residual[:, :COSMOLOGY], np.where(known[:, None], feedback, 0)])
    products = np.einsum("ni,nj->nij", columns, columns).reshape(len(columns), -1)
    size = columns.shape[1]
    sums = ((weights * known) @ products).reshape(-1, size, size)
    cut = given.shape[1]
    inner = sums[:, :cut, :cut] + _TINY * np.eye(cut)
    left = sums[:, cut:, cut:] - sums[:, cut:, :cut] @ np.linalg.solve(inner, sums[:, :cut, cut:])
    scale = np.sqrt(np.maximum(np.einsum("rii->ri", left), _TINY))
    return np.asarray(left / scale[:, :, None] / scale[:, None, :])[:, :COSMOLOGY, COSMOLOGY:]


def feedback_correlation(posterior: Posterior, weights: Floats) -> Floats:
    """Find the largest of them, whatever its sign."""
    return np.asarray(np.abs(feedback_correlations(posterior, weights)).max(axis=(1, 2)))


def coverage(posterior: Posterior, weights: Floats) -> Floats:
    """Share of true omega_m and sigma_8 within one predicted standard deviation."""
    inside = np.abs(posterior.residual[:, :COSMOLOGY]) <= posterior.width[:, :COSMOLOGY]
    return weighted_mean(inside.mean(axis=1), weights)


def _rms(place: int) -> Callable[[Posterior, Floats], Floats]:
    return lambda posterior, weights: rms_of(posterior.residual[:, place], weights)


def _relative(place: int) -> Callable[[Posterior, Floats], Floats]:
    return lambda posterior, weights: weighted_mean(
        np.abs(posterior.residual[:, place]) / posterior.truth[:, place], weights
    )


def _r2(place: int) -> Callable[[Posterior, Floats], Floats]:
    return lambda posterior, weights: r2(posterior.truth[:, place], posterior.mean[:, place], weights)


HEADLINE = "rms_over_power_spectrum"

SCORES = (
    Definition("omega_m_rms", "rms error of Ω_m", "", "lower", _rms(OMEGA_M)),
    Definition("sigma_8_rms", "rms error of σ_8", "", "lower", _rms(SIGMA_8)),
    Definition(
        HEADLINE,
        "rms error over that of power spectra, the worse of Ω_m and σ_8",
        "",
        "lower",
        rms_ratio,
    ),
    Definition("chi2", "χ² per map, of Ω_m and σ_8", "", "target", chi2, 1.0),
    Definition(
        "feedback_correlation",
        "largest |r| of errors of Ω_m and σ_8 with feedback",
        "",
        "lower",
        feedback_correlation,
    ),
    Definition("coverage_68", "truths within one standard deviation", "", "target", coverage, ONE_SIGMA),
    Definition("omega_m_relative_error", "mean relative error of Ω_m", "", "lower", _relative(OMEGA_M)),
    Definition("sigma_8_relative_error", "mean relative error of σ_8", "", "lower", _relative(SIGMA_8)),
    Definition("omega_m_r2", "R² of Ω_m", "", "higher", _r2(OMEGA_M)),
    Definition("sigma_8_r2", "R² of σ_8", "", "higher", _r2(SIGMA_8)),
)
"""Those of single maps: fifteen of a universe are not averaged."""


@dataclass(frozen=True)
class Chance:
    """What `feedback_correlation` is where errors have nothing to do with feedback.

    Attributes
    ----------
    mean, high : float
        Mean of it, and what it exceeds once in twenty times.
    share : float
        How often chance gives as much as was found, or more.
    """

    mean: float
    high: float
    share: float


def chance_correlation(
    posterior: Posterior, groups: npt.NDArray[Any], seed: int, draws: int = 400
) -> Chance | None:
    """Find what chance gives, by dealing feedback anew among universes: it is the same for all maps of one.

    Returns
    -------
    Chance or None
        None where there is no feedback.
    """
    ones = np.ones((1, len(posterior)))
    own = feedback_correlation(posterior, ones)[0]
    if not np.isfinite(own):
        return None
    rng = np.random.default_rng(seed)
    names, first, member = np.unique(groups.astype(np.str_), return_index=True, return_inverse=True)
    found = []
    for _ in range(draws):
        truth = posterior.truth.copy()
        dealt = first[rng.permutation(len(names))]
        truth[:, COSMOLOGY:] = posterior.truth[dealt[member], COSMOLOGY:]
        dealt_anew = replace(posterior, truth=truth)  # errors of cosmology are all that is looked at: they stay
        found.append(feedback_correlation(dealt_anew, ones)[0])
    drawn = np.array(found)
    share = (1 + np.count_nonzero(drawn >= own)) / (1 + draws)
    return Chance(float(drawn.mean()), float(np.quantile(drawn, 0.95)), float(share))
