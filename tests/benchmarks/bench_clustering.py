"""HDBSCAN of three libraries on the same field, and how time grows with the number of stars.

`hdbscan` is the peer that a practitioner would use. Compiling `fast_hdbscan` is not counted: it is done once for a
machine, but in a fresh pod it takes longer than `hdbscan` takes for 100 000 stars, which is why few stars are left
to the latter (`components.train.clustering.methods.FEW`).

A whole training on 10,245,035 simulated stars of one region of 15 degrees, on one thread: 24 minutes of processor
time, about a quarter of them for HDBSCAN and the rest for the 1120 candidates, and 5.1 GB of memory. Its three
clusters were found, with a purity of at least 0.975 and a completeness of at least 0.986, and nothing else
(2026-11-22; too long to be repeated here).
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import adjusted_rand_score

from components.train.clustering.methods import by_hdbscan
from components.train.clustering.settings import Settings

STARS = 30_000


def field(stars: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return five features of a broad field and ten clusters; a larger field is a larger part of the sky."""
    rng = np.random.default_rng(seed)
    side = np.sqrt(stars / 20_000)
    features = np.column_stack([rng.uniform(-8 * side, 8 * side, (stars, 2)), rng.standard_t(4, (stars, 3)) * 9])
    for k in range(10):
        centre = np.append(rng.uniform(-6, 6, 2), rng.normal(0, 6, 3))
        features[200 * k : 200 * (k + 1)] = centre + rng.normal(0, 0.5, (200, 5))
    return features.astype(np.float32)


def grouped(features: npt.NDArray[np.float32], library: str) -> npt.NDArray[np.int64]:
    """Group by one of the libraries."""
    return by_hdbscan(features, Settings(library=library)).labels


def same(ours: Any, theirs: Any) -> bool:
    """Whether two labellings agree, but for a few ties."""
    return bool(adjusted_rand_score(ours, theirs) > 0.9)


@pytest.mark.parametrize("library", ["fast_hdbscan", "scikit-learn"])
def test_library_beside_hdbscan(ratio: Callable[..., float], library: str) -> None:
    features = field(STARS)
    ratio(
        f"{library}, {STARS} stars",
        ours=lambda: grouped(features, library),
        peer=lambda: grouped(features, "hdbscan"),
        peer_name="hdbscan",
        goal=2.0,
        agree=same,
    )


def test_time_grows_hardly_faster_than_the_stars(benchmark: Any) -> None:
    """The exponent of processor time against the number of stars; printed, as another machine has another."""
    sizes = [10_000, 30_000, 100_000, 300_000]
    grouped(field(2000), "fast_hdbscan")
    seconds = []
    for stars in sizes[:-1]:
        features = field(stars)
        begin = time.process_time()
        grouped(features, "fast_hdbscan")
        seconds.append(time.process_time() - begin)
    largest = field(sizes[-1])
    begin = time.process_time()
    benchmark.pedantic(lambda: grouped(largest, "fast_hdbscan"), rounds=1)
    seconds.append(time.process_time() - begin)
    exponent = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    benchmark.extra_info.update(sizes=sizes, cpu_seconds=seconds, exponent=exponent)
    print(f"\nfast_hdbscan: {dict(zip(sizes, np.round(seconds, 2), strict=True))} s, exponent {exponent:.2f}")
    assert np.isfinite(exponent)
