"""A cluster in its field: what the astrometry of both is, free of the errors of measurement.

Each star's proper motions and parallax are drawn from the cluster or from the field, and then blurred by the error
covariance of that star. The cluster is one normal distribution, the field a sum of a few; all are fitted together
by expectation and maximisation (extreme deconvolution: Bovy, Hogg & Roweis 2011). On the sky the cluster follows
a Plummer profile and the field is uniform nearby. What comes out is a probability for each star, in which a faint
star with large errors counts for less than a bright one.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from components.train.clustering.plummer import Footprint, Plummer
from components.train.clustering.stars import Floats

FIELD_COMPONENTS = 4
LEAST_DISPERSION = (0.02, 0.02, 0.01)
"""Standard deviations below which no intrinsic dispersion is believed: the survey's systematic floor."""

TAIL_WIDTH = 3.0
"""How much wider the tail of a cluster is than its core."""

_FIRST_TAIL, _LARGEST_TAIL = 0.05, 0.3
_TURNS = 4
_FIELD_ROUNDS = 12
_FIELD_STARS = 4000
_REACH = 6.0
_PRIOR_STARS = 5.0


@dataclass(frozen=True)
class Field:
    """Stars that belong to no cluster, nearby in all dimensions.

    Attributes
    ----------
    weight : ndarray, shape (k,)
        Share of each normal distribution.
    mean, covariance : ndarray, shape (k, 3) and (k, 3, 3)
        Intrinsic, in mas/yr and mas.
    per_square_degree : float
        Stars on the sky.
    """

    weight: Floats
    mean: Floats
    covariance: Floats
    per_square_degree: float

    def density(self, values: Floats, errors: Floats) -> Floats:
        """Density per square degree, (mas/yr)^2 and mas at measured values, shape (n,)."""
        parts = np.column_stack(
            [
                w * normal(values, m, c + errors)
                for w, m, c in zip(self.weight, self.mean, self.covariance, strict=True)
            ]
        )
        return np.asarray(self.per_square_degree * parts.sum(axis=1))


@dataclass(frozen=True)
class Cluster:
    """A cluster.

    Attributes
    ----------
    stars : float
        Its members among the stars looked at: the sum of their probabilities.
    mean, covariance : ndarray, shape (3,) and (3, 3)
        Intrinsic proper motions and parallax.
    profile : Plummer
        On the sky.
    tail : float
        Share of the members that scatter `TAIL_WIDTH` times as much, their errors included: pairs whose orbits the
        solution takes for motion, errors that are too small, stars that are about to leave.
    """

    stars: float
    mean: Floats
    covariance: Floats
    profile: Plummer
    tail: float

    def density(self, x: Floats, y: Floats, values: Floats, errors: Floats) -> Floats:
        """Density in the units of `Field.density`."""
        core, tail = self.parts(values, errors)
        return self.stars * self.profile.density(x, y) * (core + tail)

    def parts(self, values: Floats, errors: Floats) -> tuple[Floats, Floats]:
        """Densities in astrometry alone of the core and of the tail."""
        blurred = self.covariance + errors
        core = normal(values, self.mean, blurred)
        if not self.tail:
            return core, np.zeros(len(core))
        return (1 - self.tail) * core, self.tail * normal(values, self.mean, TAIL_WIDTH**2 * blurred)


@dataclass(frozen=True)
class Fit:
    """A cluster, its field, and how well they describe the stars.

    Attributes
    ----------
    probability : ndarray, shape (n,)
        Of membership.
    own, other : ndarray, shape (n,)
        Density of the cluster and of the field at each star.
    """

    cluster: Cluster
    field: Field
    probability: Floats
    own: Floats
    other: Floats


def normal(values: Floats, mean: Floats, covariance: Floats) -> Floats:
    """Density of a normal distribution in three dimensions with a covariance of its own for each star."""
    inverse, determinant = invert(covariance)
    offset = values - mean
    square = (np.einsum("nij,nj->ni", inverse, offset) * offset).sum(axis=1)
    return np.asarray(np.exp(-0.5 * square) / np.sqrt((2 * np.pi) ** 3 * determinant))


def invert(matrix: Floats) -> tuple[Floats, Floats]:
    """Invert symmetric matrices, shape (n, 3, 3), and give their determinants: many times faster than LAPACK's."""
    a, b, c = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 0, 2]
    d, e, f = matrix[:, 1, 1], matrix[:, 1, 2], matrix[:, 2, 2]
    m00, m01, m02 = d * f - e * e, c * e - b * f, b * e - c * d
    determinant = a * m00 + b * m01 + c * m02
    inverse = np.empty_like(matrix)
    inverse[:, 0, 0] = m00
    inverse[:, 0, 1] = inverse[:, 1, 0] = m01
    inverse[:, 0, 2] = inverse[:, 2, 0] = m02
    inverse[:, 1, 1] = a * f - c * c
    inverse[:, 1, 2] = inverse[:, 2, 1] = b * c - a * e
    inverse[:, 2, 2] = a * d - b * b
    inverse /= determinant[:, None, None]
    return inverse, determinant


def fit(
    x: Floats,
    y: Floats,
    values: Floats,
    errors: Floats,
    start: npt.NDArray[np.bool_],
    footprint: Footprint,
    rounds: int,
    seed: int,
) -> Fit:
    """Fit a cluster and its field.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Offsets on the sky in degrees.
    values, errors : ndarray, shape (n, 3) and (n, 3, 3)
        Measured astrometry and the covariances of its errors.
    start : ndarray of bool, shape (n,)
        Stars that the cluster begins with.
    footprint : Footprint
        Where on the sky stars could be.
    rounds : int
        Rounds at most.
    seed : int
        Starts the field.
    """
    cluster = _first_cluster(x, y, values, errors, start, footprint)
    wide = 4 * cluster.covariance + np.diag(np.square(LEAST_DISPERSION))  # what it may grow to
    sample = np.sort(np.random.default_rng(seed).permutation(len(x))[:_FIELD_STARS])
    share = len(x) / len(sample)
    field = _first_field(values[sample], errors[sample], start[sample], footprint, seed)
    probability = start.astype(np.float64)
    for _ in range(_TURNS):
        for _ in range(_FIELD_ROUNDS):
            field = _next_field(values[sample], errors[sample], 1 - probability[sample], field, footprint, share)
        other = field.density(values, errors)
        near = _within_reach(cluster, values, errors)
        for _ in range(-(-rounds // _TURNS)):
            probability = np.zeros(len(x))
            own = cluster.density(x[near], y[near], values[near], errors[near])
            probability[near] = _probability(own, other[near])
            if probability.sum() < 2:
                break
            before = cluster.stars
            cluster = _next_cluster(
                x[near], y[near], values[near], errors[near], probability[near], cluster, wide, footprint
            )
            if abs(cluster.stars - before) < 1e-3 * before:
                break
    own = cluster.density(x, y, values, errors)
    return Fit(cluster, field, _probability(own, other), own, other)


def _within_reach(cluster: Cluster, values: Floats, errors: Floats) -> npt.NDArray[np.int64]:
    """Rows of the stars that a cluster, even if it should widen, could have."""
    variance = 2 * np.diag(cluster.covariance) + np.diagonal(errors, axis1=1, axis2=2)
    return np.asarray(np.flatnonzero((np.square(values - cluster.mean) < _REACH**2 * variance).all(axis=1)))


def _probability(own: Floats, other: Floats) -> Floats:
    return np.asarray(own / np.maximum(own + other, 1e-300))


def _first_cluster(
    x: Floats, y: Floats, values: Floats, errors: Floats, start: npt.NDArray[np.bool_], footprint: Footprint
) -> Cluster:
    own = values[start]
    mean = np.median(own, axis=0)
    spread = 1.4826 * np.median(np.abs(own - mean), axis=0)
    blur = np.median(np.diagonal(errors[start], axis1=1, axis2=2), axis=0)
    variance = np.maximum(spread**2 - blur, np.square(LEAST_DISPERSION))
    profile = Plummer.fit(x[start], y[start], np.ones(int(start.sum())), footprint)
    return Cluster(float(start.sum()), mean, np.diag(variance), profile, _FIRST_TAIL)


def _next_cluster(
    x: Floats,
    y: Floats,
    values: Floats,
    errors: Floats,
    probability: Floats,
    cluster: Cluster,
    wide: Floats,
    footprint: Footprint,
) -> Cluster:
    use = probability > 1e-4
    p = probability[use]
    weight = p.sum()
    core, tail = cluster.parts(values[use], errors[use])
    inner = p * core / np.maximum(core + tail, 1e-300)
    mean, covariance = _deconvolve(values[use], errors[use], inner, cluster.mean, cluster.covariance)
    share = float((weight - inner.sum()) / (weight + _PRIOR_STARS))
    covariance = (weight * covariance + _PRIOR_STARS * wide / 4) / (weight + _PRIOR_STARS)
    covariance = _within(covariance, wide)
    profile = cluster.profile.refined(x[use], y[use], p, footprint)
    return Cluster(float(weight), mean, covariance, profile, min(share, _LARGEST_TAIL))


def _within(covariance: Floats, wide: Floats) -> Floats:
    """Shrink a covariance whose variances exceed those allowed, and lift those below the floor."""
    variance = np.diag(covariance)
    allowed = np.clip(variance, np.square(LEAST_DISPERSION), np.diag(wide))
    scale = np.sqrt(allowed / variance)
    return np.asarray(covariance * np.outer(scale, scale))


def _deconvolve(
    values: Floats, errors: Floats, weight: Floats, mean: Floats, covariance: Floats
) -> tuple[Floats, Floats]:
    """One step of extreme deconvolution for one normal distribution."""
    inverse, _ = invert(covariance + errors)
    expected = mean + np.einsum("nij,nj->ni", inverse, values - mean) @ covariance
    total = weight.sum()
    new = weight @ expected / total
    offset = expected - new
    pulled = (weight @ inverse.reshape(-1, 9)).reshape(3, 3)
    spread = (offset * weight[:, None]).T @ offset + total * covariance - covariance @ pulled @ covariance
    return new, (spread + spread.T) / (2 * total)


def _first_field(
    values: Floats, errors: Floats, start: npt.NDArray[np.bool_], footprint: Footprint, seed: int
) -> Field:
    other = values[~start] if (~start).sum() > 3 * FIELD_COMPONENTS else values
    centre = np.median(other, axis=0)
    spread = 1.4826 * np.median(np.abs(other - centre), axis=0) + np.array(LEAST_DISPERSION)
    generator = np.random.default_rng(seed)
    means = other[generator.choice(len(other), FIELD_COMPONENTS)]
    factor = np.linspace(0.5, 2.0, FIELD_COMPONENTS)  # one narrow, one wide for the tails
    covariance = np.stack([np.diag((f * spread) ** 2) for f in factor])
    field = Field(np.full(FIELD_COMPONENTS, 1 / FIELD_COMPONENTS), means, covariance, 1.0)
    return _next_field(values, errors, (~start).astype(np.float64) + 1e-6, field, footprint, 1.0)


def _next_field(
    values: Floats, errors: Floats, weight: Floats, field: Field, footprint: Footprint, scale: float
) -> Field:
    parts = np.column_stack(
        [
            w * normal(values, m, c + errors)
            for w, m, c in zip(field.weight, field.mean, field.covariance, strict=True)
        ]
    )
    share = weight[:, None] * parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-300)
    total = share.sum(axis=0)
    means, covariances = field.mean.copy(), field.covariance.copy()
    for k in np.flatnonzero(total > 4):
        use = share[:, k] > 1e-4
        means[k], found = _deconvolve(values[use], errors[use], share[use, k], means[k], covariances[k])
        covariances[k] = found + np.diag(np.square([0.05, 0.05, 0.02]))
    return replace(
        field,
        weight=np.maximum(total, 1e-3) / np.maximum(total, 1e-3).sum(),
        mean=means,
        covariance=covariances,
        per_square_degree=float(scale * max(weight.sum(), 0.5) / footprint.area),
    )
