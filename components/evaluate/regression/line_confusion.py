"""Which line was taken for which: the streaks that wrong redshifts form in the plane of predicted and true ones.

Where a spectrum shows one strong line, at l1 (1 + z), and it is taken for another, l2 (1 + zp), then
(1 + zp) / (1 + z) = l1 / l2. There are many pairs of lines, so some failures lie near a streak by chance. How
many would do so is given beside how many do.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from components.common.scores import Floats
from components.evaluate.regression.redshift import CATASTROPHIC
from components.physics.spectral_lines import EMISSION_LINES, Line

TOLERANCE = 0.01
"""Distance from a streak in |ratio / (l1 / l2) - 1| that counts as on it: 3000 km/s, the width of a broad line."""

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Streak:
    """Failures in which one line was taken for another.

    Attributes
    ----------
    true_line, taken_for : str
        The line that is there, and the one that the prediction implies.
    ratio : float
        (1 + z_predicted) / (1 + z_true).
    count : int
        Failures on it; each counts for its nearest streak only.
    """

    true_line: str
    taken_for: str
    ratio: float
    count: int


@dataclass(frozen=True)
class LineConfusion:
    """How far confused lines explain the catastrophic failures.

    Attributes
    ----------
    failures : int
        Predictions with |dz| / (1 + z) above 0.05.
    on_streak : int
        Those that lie on a streak whose line was in the observed range.
    expected_by_chance : float
        How many would, were the predictions of the failures drawn at random from all catastrophically different
        predictions.
    streaks : tuple of Streak
        Those that occur, most frequent first.
    """

    failures: int
    on_streak: int
    expected_by_chance: float
    streaks: tuple[Streak, ...]

    @property
    def share(self) -> float:
        """Fraction of the failures that lie on a streak; 0 where nothing fails."""
        return self.on_streak / self.failures if self.failures else 0.0


def find_line_confusion(
    redshift: Floats,
    truth: Floats,
    observed_range_angstrom: tuple[float, float],
    lines: tuple[Line, ...] = EMISSION_LINES,
) -> LineConfusion:
    """Attribute catastrophic failures to confused lines.

    Parameters
    ----------
    redshift, truth : ndarray, shape (n,)
        Predictions and labels.
    observed_range_angstrom : tuple of float
        A line outside it at the true redshift cannot have been mistaken.
    lines : tuple of Line
        Candidates.
    """
    ratio = (1 + redshift) / (1 + truth)
    failed = np.abs(ratio - 1) > CATASTROPHIC
    wavelength = np.array([line.wavelength_angstrom for line in lines])
    pairs = np.array(list(permutations(range(len(lines)), 2)))
    streak_ratio = wavelength[pairs[:, 0]] / wavelength[pairs[:, 1]]
    far = np.abs(streak_ratio - 1) > CATASTROPHIC  # H beta for [O III] is no catastrophe
    pairs, streak_ratio = pairs[far], streak_ratio[far]

    observed = wavelength[pairs[:, 0]] * (1 + truth[failed])[:, None]
    visible = (observed > observed_range_angstrom[0]) & (observed < observed_range_angstrom[1])
    nearest = _nearest(ratio[failed], streak_ratio, visible)
    counts = np.bincount(nearest[nearest >= 0], minlength=len(pairs))
    streaks = tuple(
        Streak(lines[pairs[i, 0]].name, lines[pairs[i, 1]].name, float(streak_ratio[i]), int(counts[i]))
        for i in np.argsort(-counts, kind="stable")
        if counts[i]
    )
    return LineConfusion(
        int(failed.sum()),
        int(counts.sum()),
        _expected_by_chance(redshift, truth[failed], streak_ratio, visible),
        streaks,
    )


def _nearest(ratio: Floats, streak_ratio: Floats, visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Index of the streak that each ratio lies on, -1 for none; shape (n,)."""
    if not streak_ratio.size:
        return np.full(ratio.size, -1)
    distance = np.where(visible, np.abs(ratio[:, None] / streak_ratio - 1), np.inf)
    nearest = distance.argmin(axis=1)
    return np.where(distance[np.arange(ratio.size), nearest] < TOLERANCE, nearest, -1)


def _expected_by_chance(
    redshift: Floats, truth: Floats, streak_ratio: Floats, visible: npt.NDArray[np.bool_]
) -> float:
    """Count the failures to expect on a streak when predictions know nothing of the object.

    For each failure, how many of all predictions are catastrophically far from its true redshift, and how many of
    these lie in one of its streaks? Overlapping streaks must count once, so mark where each begins and ends in the
    sorted predictions and count those that are inside at least one.
    """
    ordered = np.sort(1 + redshift)
    total = 0.0
    for start in range(0, truth.size, _ROWS_AT_ONCE):
        scale = (1 + truth[start : start + _ROWS_AT_ONCE])[:, None]
        seen = visible[start : start + _ROWS_AT_ONCE]
        begin = np.searchsorted(ordered, scale * streak_ratio * (1 - TOLERANCE), side="right")
        end = np.searchsorted(ordered, scale * streak_ratio * (1 + TOLERANCE), side="left")
        depth = np.zeros((scale.size, ordered.size + 1), np.int64)
        rows = np.broadcast_to(np.arange(scale.size)[:, None], begin.shape)
        np.add.at(depth, (rows[seen], begin[seen]), 1)
        np.add.at(depth, (rows[seen], np.maximum(begin, end)[seen]), -1)
        far = np.abs(ordered / scale - 1) > CATASTROPHIC
        inside = (np.cumsum(depth, axis=1)[:, :-1] > 0) & far
        total += float((inside.sum(axis=1) / np.maximum(far.sum(axis=1), 1)).sum())
    return total
