"""Tables of strain for tests: white noise of known loudness, so that what whitening must do is known."""

from pathlib import Path
from typing import Any

import numpy as np

from components.common.provenance import Provenance
from components.common.tables import write_table
from components.ingest.gw_strain.schema import FIELDS, SAMPLES, complete

LOUDNESS = np.array([1e-21, 3e-21, 1e-20])
"""Standard deviation of the noise in each detector."""


def write_strain(folder: Path, rows: int, seed: int = 0, **columns: Any) -> dict[str, np.ndarray]:
    """Write rows of noise, labelled in turn noise and signal, each a segment of its own; return the columns."""
    rng = np.random.default_rng(seed)
    names = np.array([f"w{row:05d}" for row in range(rows)], dtype=object)
    table = complete(
        {
            "id": names,
            "segment_id": names,
            "waveform_id": np.full(rows, "", dtype=object),
            "label": np.where(np.arange(rows) % 2, "signal", "noise").astype(object),
            "strain": rng.normal(size=(rows, 3, SAMPLES)) * LOUDNESS[:, None],
            **columns,
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "dataset.parquet", FIELDS, table, Provenance("simulated", "test", requested=rows))
    return table
