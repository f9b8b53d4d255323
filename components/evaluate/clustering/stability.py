"""Whether the same clusters would be found had other stars been measured."""

from dataclasses import dataclass

import numpy as np

from components.common.telemetry import report_progress
from components.evaluate.clustering.scene import Scene
from components.train.clustering.search import search
from components.train.clustering.settings import Settings

_SAME = 0.5


@dataclass(frozen=True)
class Stability:
    """How a found cluster fares in samples of the stars.

    Attributes
    ----------
    found : float
        Share of the samples in which it was found again.
    agreement : float
        Mean Jaccard index of its members with those found again, among the stars of the sample; NaN where never.
    """

    found: float
    agreement: float


def resample(scene: Scene, settings: Settings, samples: int, left_out: float) -> tuple[list[Stability], float]:
    """Search samples of the stars, drawn without replacement, that leave a share of them out.

    Returns
    -------
    list of Stability
        One for each found cluster.
    float
        Mean number of clusters in a sample that are none of those.
    """
    members, count = scene.members, len(scene.facts)
    again: list[list[float]] = [[] for _ in range(count)]
    others = []
    for number in range(samples):
        generator = np.random.default_rng((settings.seed, 23, number))
        drawn = np.sort(generator.permutation(len(scene.stars))[: int((1 - left_out) * len(scene.stars))])
        found = search(scene.stars[drawn], settings.method, settings).clusters
        sets = [set(cluster.members.tolist()) for cluster in found]
        matched = set()
        for k in range(count):
            own = set(np.flatnonzero(members[drawn] == k).tolist())
            overlap = [len(own & other) / max(len(own | other), 1) for other in sets]
            best = int(np.argmax(overlap)) if overlap else -1
            if best >= 0 and overlap[best] >= _SAME:
                again[k].append(overlap[best])
                matched.add(best)
        others.append(len(sets) - len(matched))
        report_progress(number + 1, samples, "samples of the stars")
    stable = [Stability(len(a) / max(samples, 1), float(np.mean(a)) if a else float("nan")) for a in again]
    return stable, float(np.mean(others)) if others else 0.0
