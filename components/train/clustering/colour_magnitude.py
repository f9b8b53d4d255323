"""Tell whether the colours and magnitudes of a candidate look like one population, or like a handful of the field.

Densities in the colour-magnitude plane are histograms smoothed by a normal kernel. A sequence is tight where each
star finds the others near: the mean logarithm of the density of the others at its place. It is compared with sets
of as many stars drawn from the field nearby, with the same magnitudes, treated alike: the mean of these is
subtracted, and their scatter is the unit of the score. Stars of one age and distance lie closer than such sets.

This is the classifier of the colour-magnitude plane, learnt anew for each candidate: no rule separates two
populations better than the ratio of their densities (Neyman & Pearson 1933). Kernels estimate both from the stars
at hand, each star judged by the others, and the score is by how much the log-likelihood of the candidate exceeds
that of draws from the field. One trained beforehand on model sequences, as the network of Hunt & Reffert (2023,
A&A 673, A114), knows more where its sequences hold, but what it was not shown (a mixture of reddenings, of
metallicities, a horizontal branch) it takes for field; and here it could be trained on our own simulator alone,
whose sequences are those of the simulated clusters that it would then be praised for finding.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from components.train.clustering.stars import Floats

_BINS = (48, 64)  # colour, magnitude
_KERNEL = 1.5  # bins
_NULLS = 60
_LEAST = 8
_FLOOR = 0.02


@dataclass(frozen=True)
class CmdTest:
    """How tight a sequence is.

    Attributes
    ----------
    tightness : float
        By how much the mean log density of its own stars exceeds that of field stars of the same magnitudes.
    score : float
        Standard deviations above sets of field stars; 0 where there are too few to tell.
    """

    tightness: float
    score: float


def cmd_test(colour: Floats, magnitude: Floats, member: Floats, seed: int) -> CmdTest:
    """Compare the members' sequence with sets of field stars.

    Parameters
    ----------
    colour, magnitude : ndarray, shape (n,)
        Of the stars around a candidate; those with NaN take no part.
    member : ndarray, shape (n,)
        Probability of membership.
    seed : int
        Draws the sets.
    """
    known = np.isfinite(colour) & np.isfinite(magnitude)
    cells = _cells(colour[known], magnitude[known])
    own, other = np.flatnonzero(member[known] > 0.5), np.flatnonzero(member[known] < 0.1)
    if len(own) < _LEAST or len(other) < 2 * _LEAST:
        return CmdTest(0.0, 0.0)
    found = _tightness(cells[own])
    generator = np.random.default_rng(seed)
    drawn = _matched(magnitude[known], own, other, generator)
    null = np.array([_tightness(cells[draw]) for draw in drawn])
    excess = found - float(null.mean())
    return CmdTest(excess, excess / max(float(null.std()), 1e-6))


def _matched(
    magnitude: Floats, own: npt.NDArray[np.int64], other: npt.NDArray[np.int64], generator: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Draw sets of field stars with the members' magnitudes: for each one of its neighbours in magnitude."""
    ordered = other[np.argsort(magnitude[other])]
    at = np.searchsorted(magnitude[ordered], magnitude[own])
    reach = max(3, len(ordered) // 40)
    return [  # each star once: twins would lie at no distance from each other
        np.unique(ordered[np.clip(at + generator.integers(-reach, reach + 1, len(own)), 0, len(ordered) - 1)])
        for _ in range(_NULLS)
    ]


def _cells(colour: Floats, magnitude: Floats) -> npt.NDArray[np.int64]:
    """Cell of each star; the outermost take what lies beyond."""
    cells = np.empty(len(colour), dtype=np.int64)
    parts = []
    for values, bins in ((colour, _BINS[0]), (magnitude, _BINS[1])):
        low, high = np.quantile(values, [0.002, 0.998]) if len(values) else (0.0, 1.0)
        parts.append(np.clip(((values - low) / max(high - low, 1e-6) * bins).astype(int), 0, bins - 1))
    cells[:] = parts[0] * _BINS[1] + parts[1]
    return cells


def _tightness(cells: npt.NDArray[np.int64]) -> float:
    """Mean log density of the others at each star's cell."""
    counts = np.bincount(cells, minlength=_BINS[0] * _BINS[1]).astype(np.float64).reshape(_BINS)
    density = ndimage.gaussian_filter(counts, _KERNEL, mode="constant").ravel()
    peak = 1 / (2 * np.pi * _KERNEL**2)  # what a star adds to its own cell
    others = np.maximum(density[cells] - peak, 0) / max(len(cells) - 1, 1)
    return float(np.log(others + _FLOOR / density.size).mean())
