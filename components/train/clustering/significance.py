"""Is a candidate more than a chance clump of the field? Two tests that ask different things.

The first asks whether its stars lie closer together, in all five dimensions, than stars of the field nearby do
(Hunt & Reffert 2021 and 2023 call it the cluster significance test). A method that looks for dense regions finds
such also where the field happens to be dense, so that this alone is no proof. The second asks whether stars of
this proper motion and parallax gather on the sky, which a stream of the field, or the peak of its distribution,
does not.
"""

import numpy as np
from scipy import stats
from scipy.spatial import cKDTree

from components.train.clustering.mixture import Fit
from components.train.clustering.plummer import Footprint
from components.train.clustering.stars import Floats

_NEIGHBOUR = 5
_MOST_FIELD = 3000
_LARGEST = 38.0
"""Beyond this the tail of a normal distribution is no longer a number."""


def density_significance(points: Floats, member: Floats) -> float:
    """Return the standard deviations by which members lie closer to each other than stars of the field do.

    Parameters
    ----------
    points : ndarray, shape (n, 5)
        Stars around the candidate, each dimension in units of its own spread in the cluster.
    member : ndarray, shape (n,)
        Probability of membership.

    Notes
    -----
    One-sided Mann-Whitney test of the distances to the fifth neighbour: of members among members, and of stars of
    the field among stars of the field, the nearest 3000 to the candidate.
    """
    own, other = points[member > 0.5], points[member < 0.1]
    if len(own) <= _NEIGHBOUR + 1:
        return 0.0
    if len(other) <= _NEIGHBOUR + 1:
        return _LARGEST
    nearest = np.argsort(np.square(other).sum(axis=1))[:_MOST_FIELD]
    inside = cKDTree(own).query(own, k=[_NEIGHBOUR + 1])[0][:, 0]
    outside = cKDTree(other).query(other[nearest], k=[_NEIGHBOUR + 1])[0][:, 0]
    p = stats.mannwhitneyu(inside, outside, alternative="less").pvalue
    return float(np.clip(stats.norm.isf(p), 0.0, _LARGEST)) if p > 0 else _LARGEST


def sky_significance(fit: Fit, x: Floats, y: Floats, footprint: Footprint) -> float:
    """Return the standard deviations by which its stars gather on the sky.

    Twice the gain of log-likelihood of a Plummer profile over a uniform density, for the same proper motions and
    parallaxes and with the number of stars fitted anew, follows a chi-squared distribution of three degrees of
    freedom where nothing gathers.
    """
    profile = fit.cluster.profile.density(x, y)
    flat = fit.own / np.maximum(profile, 1e-300) / footprint.area
    total = float(fit.probability.sum())
    scale = 1.0
    for _ in range(30):
        share = scale * flat / np.maximum(scale * flat + fit.other, 1e-300)
        scale *= float(share.sum()) / max(scale * total, 1e-9)
    gain = np.log(np.maximum(fit.own + fit.other, 1e-300)) - np.log(np.maximum(scale * flat + fit.other, 1e-300))
    # Densities are of a Poisson process, so the numbers expected count too.
    twice = 2 * float(gain.sum() - total + scale * total)
    if twice <= 0:
        return 0.0
    p = stats.chi2.sf(twice, 3)
    return float(np.clip(stats.norm.isf(p), 0.0, _LARGEST)) if p > 0 else _LARGEST
