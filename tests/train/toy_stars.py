"""Toy regions: a uniform field, and clusters whose parameters are known."""

import numpy as np

from components.train.clustering.stars import COLUMNS, Stars, deproject, project

CENTRE = (110.0, -25.0)
SCALES = (0.22, 0.22, 0.06, 0.4, 0.4)


def toy_region(
    clusters: int = 1, field: int = 3000, members: int = 150, seed: int = 0, centre: tuple[float, float] = CENTRE
) -> tuple[Stars, np.ndarray]:
    """Return a region of two degrees, and the cluster of each star, -1 for the field."""
    rng = np.random.default_rng(seed)
    n = field + clusters * members
    label = np.repeat(np.arange(-1, clusters), [field, *[members] * clusters])
    radius, angle = np.sqrt(rng.uniform(0, 1, n)), rng.uniform(0, 2 * np.pi, n)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    magnitude = rng.uniform(11, 18, n)
    colour = rng.normal(1.1, 0.4, n)
    truth = np.column_stack([rng.normal(-2, 4, n), rng.normal(3, 4, n), np.abs(rng.normal(0.6, 0.5, n))])
    for k in range(clusters):
        own = label == k
        spread = 0.08 / np.sqrt(rng.uniform(0.05, 1, members) ** -1)
        x[own] = 0.4 * np.cos(2.1 * k) + rng.normal(0, 1, members) * spread
        y[own] = 0.4 * np.sin(2.1 * k) + rng.normal(0, 1, members) * spread
        truth[own] = np.array([-3.0 + 2 * k, 4.0 - k, 1.0]) + rng.normal(0, 1, (members, 3)) * [0.12, 0.12, 0.005]
        colour[own] = 0.3 + 0.2 * (magnitude[own] - 11) + rng.normal(0, 0.02, members)
    sigma = 0.02 + 0.13 * 10 ** (0.3 * (magnitude - 18))
    errors = np.column_stack([sigma, 0.9 * sigma, sigma])
    seen = truth + rng.normal(0, 1, (n, 3)) * errors
    places = np.array([deproject(a, b, centre) for a, b in zip(x, y, strict=True)])
    columns = {name: np.full(n, np.nan) for name in COLUMNS}
    columns |= {"source_id": np.arange(n, dtype=np.int64) + 10, "ra": places[:, 0], "dec": places[:, 1]}
    for k, name in enumerate(("pmra", "pmdec", "parallax")):
        columns |= {name: seen[:, k], f"{name}_error": errors[:, k]}
    columns |= {"phot_g_mean_mag": magnitude, "bp_rp": colour}
    px, py = project(columns["ra"], columns["dec"], centre)
    features = np.column_stack([seen, px, py]) / SCALES
    order = rng.permutation(n)
    return Stars(columns, features.astype(np.float32))[order], label[order]
