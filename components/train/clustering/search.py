"""Search a region: groups by one method, the promising ones fitted and judged, doubles removed."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from components.common.telemetry import report_progress
from components.train.clustering.candidates import Candidate, examine, without_doubles
from components.train.clustering.methods import Grouping, group
from components.train.clustering.settings import Settings
from components.train.clustering.stars import Stars, mean_direction, project

_LEAST_EXCESS = 2.0
_RING = 3.0
_STARS_PER_CANDIDATE = 5000

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """What a search brought.

    Attributes
    ----------
    grouping : Grouping
        What the method proposed.
    candidates : list of Candidate
        Those that were fitted, without doubles: clusters first.
    passed_over : dict of str to int
        Groups that were not fitted or not kept, by reason.
    """

    grouping: Grouping
    candidates: list[Candidate]
    passed_over: dict[str, int]

    @property
    def clusters(self) -> list[Candidate]:
        """Candidates that passed all tests, those with most members first."""
        return sorted((c for c in self.candidates if not c.reason), key=lambda c: -len(c.members))


def search(stars: Stars, method: str, settings: Settings, grouping: Grouping | None = None) -> Found:
    """Search a region by one method.

    Parameters
    ----------
    stars : Stars
        Of the region.
    method : str
        One of `METHODS`.
    settings : Settings
        How.
    grouping : Grouping, optional
        What the method said, where that is known.
    """
    proposed = grouping or group(method, stars.features, settings)
    groups = members_of(proposed)
    promising, excess = _promising(stars, groups)
    chosen = promising[: max(settings.most_candidates, len(stars) // _STARS_PER_CANDIDATE)]
    candidates = []
    for number, index in enumerate(chosen):
        candidates.append(examine(stars, groups[index], settings))
        report_progress(number + 1, len(chosen), f"candidates of {method}")
    kept = without_doubles(candidates)
    passed = {
        "no excess on the sky": int((excess < _LEAST_EXCESS).sum()),
        "beyond the number that is fitted": len(promising) - len(chosen),
        "the same as another": len(candidates) - len(kept),
    }
    return Found(proposed, kept, {reason: count for reason, count in passed.items() if count})


def members_of(grouping: Grouping) -> list[Rows]:
    """Rows of each group."""
    order = np.argsort(grouping.labels, kind="stable")
    edges = np.searchsorted(grouping.labels[order], np.arange(grouping.count + 1))
    return [np.sort(order[a:b]) for a, b in pairwise(edges)]


def _promising(stars: Stars, groups: list[Rows]) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Rank groups by their excess on the sky, the largest first, and the excess of all."""
    order = np.argsort(stars.columns["pmra"], kind="stable")
    excess = np.array([_excess(stars, rows, order) for rows in groups])
    return [int(i) for i in np.argsort(-excess, kind="stable") if excess[i] >= _LEAST_EXCESS], excess


def _excess(stars: Stars, rows: Rows, order: Rows) -> float:
    """Return the excess of stars of the group's motion in its middle over the ring around, in standard deviations.

    A cheap first look: the fit asks the same with more care. It errs on the side of looking twice, so that a group
    whose ring lies outside the region, as that of a cluster that fills it, counts as promising.
    """
    own = stars[rows]
    low, high = (np.quantile(own.columns["pmra"], q) for q in (0.05, 0.95))
    begin, end = np.searchsorted(stars.columns["pmra"], [low, high], sorter=order)
    near = order[begin:end]
    for name in ("pmdec", "parallax"):
        values = stars.columns[name][near]
        near = near[
            (values >= np.quantile(own.columns[name], 0.05)) & (values <= np.quantile(own.columns[name], 0.95))
        ]
    sky = mean_direction(own.columns["ra"], own.columns["dec"])
    x, y = project(own.columns["ra"], own.columns["dec"], sky)
    mx, my = float(np.median(x)), float(np.median(y))
    half = float(np.median(np.hypot(x - mx, y - my)))
    x, y = project(stars.columns["ra"][near], stars.columns["dec"][near], sky)
    radius = np.hypot(x - mx, y - my)
    inside, ring = int((radius <= half).sum()), int(((radius > half) & (radius <= _RING * half)).sum())
    expected = ring / (_RING**2 - 1)
    return float((inside - expected) / np.sqrt(expected + 1))
