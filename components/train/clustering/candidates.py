"""From a group of stars that a method proposes to a cluster with members, parameters, errors and tests."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.train.clustering.colour_magnitude import CmdTest, cmd_test
from components.train.clustering.mixture import Cluster, Fit, fit, invert
from components.train.clustering.plummer import Footprint
from components.train.clustering.settings import Settings
from components.train.clustering.significance import density_significance, sky_significance
from components.train.clustering.stars import ASTROMETRY, Floats, Stars, deproject, mean_direction, project

SYSTEMATIC = (0.025, 0.025, 0.01)
"""Floor of the errors of mean proper motions (mas/yr) and parallax (mas): Vasiliev & Baumgardt 2021."""

_MOST_STARS = 20_000
_PIECE = 1 << 16
_SIGMAS = 8.0
_LEAST_WINDOW = np.array([1.5, 1.5, 1.0])  # several times the errors of the faintest stars
_SKY_RADII = 6.0
_FARTHEST = 80.0
_WIDENINGS, _WIDER, _ENOUGH_FIELD = 5, 1.5, 300
_GROWTHS, _GROWN = 4, 1.1
_LEAST_FIELD, _MOST_FIELD, _FIELD_BELOW = 5, 20_000, 0.1
_HOT_MAS_YR, _HOT_KM_S = 1.0, 5.0
_KM_S_PER_MAS_YR_KPC = 4.74047

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """The part of the data that a candidate is seen against.

    Attributes
    ----------
    sky : tuple of float
        Right ascension and declination of its middle.
    reach : float
        Angle from there, degrees.
    centre, half_width : ndarray, shape (3,)
        In proper motions and parallax.
    """

    sky: tuple[float, float]
    reach: float
    centre: Floats
    half_width: Floats


@dataclass(frozen=True)
class Candidate:
    """A candidate, and all that is known of it.

    Attributes
    ----------
    proposed : ndarray of int
        Rows of the stars that the method proposed.
    rows : ndarray of int, shape (n,)
        Stars that were looked at.
    fit : Fit
        Of these.
    window : Window
        Where these are; its middle is the origin of the fit's offsets.
    ra, dec : float
        Of the centre.
    errors : ndarray, shape (3,)
        Standard errors of the mean proper motions and parallax, without the systematic floor.
    density_sigma, sky_sigma : float
        See `significance`.
    tightness, cmd_score : float
        See `colour_magnitude`.
    reason : str
        Why it is no cluster; empty where it is one.
    """

    proposed: Rows
    rows: Rows
    fit: Fit
    window: Window
    ra: float
    dec: float
    errors: Floats
    density_sigma: float
    sky_sigma: float
    tightness: float
    cmd_score: float
    reason: str

    @property
    def significance(self) -> float:
        """The weaker of the two tests: both must hold."""
        return min(self.density_sigma, self.sky_sigma)

    @property
    def members(self) -> Rows:
        """Rows of the stars that more probably belong to it than not."""
        return np.asarray(self.rows[self.fit.probability > 0.5])


def examine(stars: Stars, proposed: Rows, settings: Settings) -> Candidate:
    """Fit a candidate, judge it, and say why it is none where it is none."""
    start = proposed
    for _ in range(_GROWTHS):
        candidate = _examine(stars, proposed, start, settings)
        members = candidate.members
        if len(members) < settings.min_cluster_size or len(members) < _GROWN * len(start):
            break
        start = members  # the method saw a part of it: look again, from farther away
    return candidate


def _examine(stars: Stars, proposed: Rows, beginning: Rows, settings: Settings) -> Candidate:
    own = stars[beginning]
    rows, window = _look_around(stars, own)
    near = stars[rows]
    x, y = project(near.columns["ra"], near.columns["dec"], window.sky)
    footprint = Footprint.of(x, y, max(window.reach, 1e-3))
    start = np.isin(rows, beginning)
    found = fit(x, y, near.astrometry, near.covariances, start, footprint, settings.epochs, settings.seed)
    return _judged(stars, near, rows, proposed, found, footprint, window, x, y, settings)


def _judged(
    stars: Stars,
    near: Stars,
    rows: Rows,
    proposed: Rows,
    found: Fit,
    footprint: Footprint,
    window: Window,
    x: Floats,
    y: Floats,
    settings: Settings,
) -> Candidate:
    cluster, p = found.cluster, found.probability
    use = p > 1e-3
    inverse, _ = invert(cluster.covariance + near.covariances[use])
    errors = np.sqrt(np.diag(np.linalg.inv((p[use, None, None] * inverse).sum(axis=0) + 1e-9 * np.eye(3))))
    observed = np.sqrt(
        np.diag(cluster.covariance) + np.median(np.diagonal(near.covariances, axis1=1, axis2=2), axis=0)
    )
    points = np.column_stack(
        [
            (near.astrometry - cluster.mean) / observed,
            (x - cluster.profile.x) / cluster.profile.radius,
            (y - cluster.profile.y) / cluster.profile.radius,
        ]
    )
    density = density_significance(points, p)
    on_sky = sky_significance(found, x, y, footprint)
    test = _cmd_test(stars, near, rows, p, settings.seed)
    ra, dec = deproject(cluster.profile.x, cluster.profile.y, window.sky)
    # Tables of astrometry alone are judged by it alone: of colours that nobody knows nothing follows.
    tightness = test.score if np.isfinite(near.columns["bp_rp"]).any() else np.inf
    reason = _reason(int((p > 0.5).sum()), cluster, density, on_sky, tightness, settings)
    return Candidate(
        proposed,
        rows,
        found,
        window,
        ra,
        dec,
        errors,
        density,
        on_sky,
        test.tightness,
        test.score,
        reason,
    )


def _cmd_test(stars: Stars, near: Stars, rows: Rows, p: Floats, seed: int) -> CmdTest:
    """Compare with the field nearby, and with that of the whole region where too little of it is near."""
    if (p < _FIELD_BELOW).sum() < _LEAST_FIELD * max((p > 0.5).sum(), 1):
        far = np.setdiff1d(np.random.default_rng(seed).permutation(len(stars))[:_MOST_FIELD], rows)
        near, p = stars[np.concatenate([rows, far])], np.concatenate([p, np.zeros(len(far))])
    return cmd_test(near.columns["bp_rp"], near.columns["phot_g_mean_mag"], p, seed)


def _reason(members: int, cluster: Cluster, density: float, on_sky: float, cmd: float, settings: Settings) -> str:
    if members < settings.min_cluster_size:
        return "too few members"
    if _is_too_hot(cluster):
        return "its stars move apart too fast"
    if density < settings.significance:
        return "not denser than the field"
    if on_sky < settings.significance:
        return "does not gather on the sky"
    if cmd < settings.cmd_score:
        return "colours and magnitudes like the field's"
    return ""


def _is_too_hot(cluster: Cluster) -> bool:
    """Whether the dispersion of proper motions is more than a bound cluster has.

    That is 5 km/s in each direction for open clusters; globular clusters, which reach three times as much, are so
    far away that it stays below 1 mas/yr.
    """
    limit = max(_HOT_MAS_YR, _HOT_KM_S * float(cluster.mean[2]) / _KM_S_PER_MAS_YR_KPC)
    return bool(np.sqrt(np.diag(cluster.covariance)[:2]).max() > limit)


def without_doubles(candidates: list[Candidate]) -> list[Candidate]:
    """Keep of candidates that share most of their members the most significant one."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (bool(c.reason), -c.sky_sigma, -len(c.members))):
        members = candidate.members
        shared = [np.isin(members, other.members).sum() for other in kept]
        least = [max(1, min(len(members), len(other.members))) for other in kept]
        if not any(s > 0.3 * n for s, n in zip(shared, least, strict=True)):
            kept.append(candidate)
    return kept


def _robust(values: Floats) -> tuple[Floats, Floats]:
    centre = np.median(values, axis=0)
    return centre, 1.4826 * np.median(np.abs(values - centre), axis=0)


def _sky_centre(own: Stars) -> tuple[float, float]:
    """Median position, at a pole and across RA 0 too."""
    first = mean_direction(own.columns["ra"], own.columns["dec"])
    x, y = project(own.columns["ra"], own.columns["dec"], first)
    return deproject(float(np.median(x)), float(np.median(y)), first)


def _look_around(stars: Stars, own: Stars) -> tuple[Rows, Window]:
    """Rows of the stars near in all dimensions: enough field to know it, and not more than can be fitted."""
    centre, spread = _robust(own.astrometry)
    sky = _sky_centre(own)
    reach = min(_SKY_RADII * float(np.quantile(_radius(own, sky), 0.9)), _FARTHEST)
    around = stars.around(sky, reach)
    half = np.maximum(_SIGMAS * spread, _LEAST_WINDOW)
    for _ in range(_WIDENINGS):
        rows, used = around[_inside(stars, around, centre, half)], half
        radius = _radius(stars[rows], sky)
        if (radius <= reach).sum() >= 2 * len(own) + _ENOUGH_FIELD:
            break
        half = half * _WIDER  # hardly a star of the field: look farther for some
    if (radius <= reach).sum() > _MOST_STARS:
        reach = float(np.sort(radius)[_MOST_STARS - 1])
    elif not (radius > reach).any() and not _any_beyond(stars, around, centre, used):
        reach = float(min(reach, radius.max(initial=0.0)))
    return np.asarray(rows[radius <= reach]), Window(sky, reach, centre, half)


def _inside(stars: Stars, rows: Rows | slice, centre: Floats, half_width: Floats) -> npt.NDArray[np.bool_]:
    """Whether each of these stars is in the window."""
    near = np.abs(stars.columns[ASTROMETRY[0]][rows] - centre[0]) <= half_width[0]
    for k, name in enumerate(ASTROMETRY[1:], start=1):
        near &= np.abs(stars.columns[name][rows] - centre[k]) <= half_width[k]
    return np.asarray(near)


def _any_beyond(stars: Stars, around: Rows, centre: Floats, half_width: Floats) -> bool:
    """Whether a star in the window lies farther away on the sky; in a large region the first piece knows one."""
    for begin in range(0, len(stars), _PIECE):
        piece = slice(begin, min(begin + _PIECE, len(stars)))
        near = _inside(stars, piece, centre, half_width)
        first, last = np.searchsorted(around, [piece.start, piece.stop])
        near[around[first:last] - begin] = False
        if near.any():
            return True
    return False


def _radius(stars: Stars, sky: tuple[float, float]) -> Floats:
    return np.asarray(np.hypot(*project(stars.columns["ra"], stars.columns["dec"], sky)))
