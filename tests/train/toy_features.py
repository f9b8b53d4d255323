"""A table of features whose classes are known up to their overlap, as preprocess writes one."""

from pathlib import Path

import numpy as np

from components.common.provenance import Provenance
from components.common.splits import assign_splits
from components.common.tables import column, tensor_column, write_table

CLASSES = ("E", "S", "SB")
FEATURES = ("g_r", "concentration_r", "axis_ratio_exp", "petro_mag_r", "noise")
SHARES = (0.5, 0.4, 0.1)
MEANS = np.array([[0.8, 3.1, 0.8, 16.5, 0.0], [0.5, 2.3, 0.45, 16.5, 0.0], [0.65, 2.2, 0.75, 16.2, 0.0]])
SPREADS = np.array([0.11, 0.32, 0.17, 0.8, 1.0])
MISSING = 0.05


def draw(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, shape (rows, 5), indices of classes, and posterior probabilities, shape (rows, 3)."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(CLASSES), rows, p=SHARES)
    truth[: len(CLASSES)] = np.arange(len(CLASSES))
    features = MEANS[truth] + SPREADS * rng.normal(size=(rows, len(FEATURES)))
    features[rng.random(features.shape) < MISSING] = np.nan
    distance = (features[:, None] - MEANS) / SPREADS
    logarithm = np.log(SHARES) - 0.5 * np.nansum(distance**2, axis=2)
    posterior = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return features.astype(np.float32), truth, posterior / posterior.sum(axis=1, keepdims=True)


def write_features(folder: Path, rows: int = 1500, seed: int = 1, origin: str = "simulated") -> Path:
    """Write `dataset.parquet` with a split; every tenth object is there twice."""
    features, truth, posterior = draw(rows, seed)
    group = np.array([f"galaxy-{i - (i % 10 == 9)}" for i in range(rows)], dtype=object)
    columns = {
        "id": np.array([str(587722981741363000 + i) for i in range(rows)], dtype=object),
        "object_id": group,
        "label": np.array(CLASSES, dtype=object)[truth],
        "split": assign_splits(group, 0.15, 0.25, seed).astype(object),
        **{name: features[:, k] for k, name in enumerate(FEATURES)},
    }
    fields = [
        *(column(name, "string", name) for name in ("id", "object_id", "label", "split")),
        *(column(name, "float32", name) for name in FEATURES),
    ]
    provenance = Provenance(origin, "toy", requested=rows, received=rows, seed=seed)  # type: ignore[arg-type]
    split = {"validation_fraction": 0.15, "test_fraction": 0.25, "seed": seed}
    settings = {
        "task": "structure",
        "level": "3",
        "features": list(FEATURES),
        "classes": list(CLASSES),
        "groups": {"colour": ["g_r"], "profile": ["concentration_r", "petro_mag_r"], "shape": ["axis_ratio_exp"]},
        "split": split,
    }
    write_table(folder / "dataset.parquet", fields, columns, provenance, settings)
    if origin == "simulated":
        truth = {"id": columns["id"], "sim_posterior": posterior}
        own = [fields[0], tensor_column("sim_posterior", (len(CLASSES),), "posterior", dtype="float64")]
        write_table(folder / "truth.parquet", own, truth, provenance, {"classes": list(CLASSES)})
    return folder
