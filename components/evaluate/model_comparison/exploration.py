"""What the data look like, before any model: gathered from all rows in one pass."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.common.scores import Floats
from components.common.tables import Columns, open_table, read_batches
from components.train.regressors.features import describe

_QUANTITIES = (
    "redshift", "magnitude_r", "magnitude_r_total", "velocity_dispersion", "stellar_mass", "sn_median", "coverage",
)  # fmt: skip
_CLASSES = 3
_MOST_SPECTRA = 20_000


@dataclass(frozen=True)
class Exploration:
    """A data set at a glance.

    Attributes
    ----------
    quantities : dict of str to ndarray, shape (n,)
        Labels and properties of all rows, those that are known.
    missing : ndarray, shape (pixels,)
        Share of the spectra in which a pixel is missing.
    redshift_edges : ndarray, shape (classes + 1,)
        Redshifts that divide the rows into equal parts.
    mean_spectra : ndarray, shape (classes, pixels)
        Mean flux relative to the median, of each part; NaN where nothing was observed.
    """

    quantities: Columns
    missing: Floats
    redshift_edges: Floats
    mean_spectra: Floats

    def correlations(self) -> tuple[list[str], Floats]:
        """Return names and rank correlations of the quantities, which no scale changes."""
        from scipy.stats import spearmanr

        names = [name for name, values in self.quantities.items() if np.isfinite(values).sum() > 2]
        table = np.array([self.quantities[name] for name in names], dtype=np.float64)
        known = np.isfinite(table).all(axis=0)
        found = np.asarray(spearmanr(table[:, known], axis=1).statistic)
        return names, np.nan_to_num(np.atleast_2d(found))


def explore(table: Path) -> Exploration:
    """Look at the first 20,000 rows of a preprocessed data set, whatever their split."""
    with open_table(table) as file:
        there = set(file.schema_arrow.names)
    wanted = [name for name in _QUANTITIES if name in there]
    first = [{name: batch[name] for name in wanted} for batch in read_batches(table, wanted)]
    quantities = {name: np.concatenate([part[name] for part in first]) for name in wanted}
    redshift = quantities["redshift"]
    edges = np.quantile(redshift, np.linspace(0, 1, _CLASSES + 1))
    total = seen = missing = None
    rows = 0
    for batch in read_batches(table, sorted({"flux", "ivar", "offset", "scale", "coverage", "redshift"})):
        observed = batch["ivar"] > 0
        pixels = np.where(observed, describe(batch).pixels + 1, 0.0)
        part = np.clip(np.searchsorted(edges, batch["redshift"], side="right") - 1, 0, _CLASSES - 1)
        member = np.eye(_CLASSES)[:, part]
        sums, counts, gone = member @ pixels, member @ observed, (~observed).sum(axis=0)
        total = sums if total is None else total + sums
        seen = counts if seen is None else seen + counts
        missing = gone if missing is None else missing + gone
        rows += len(part)
        if rows >= _MOST_SPECTRA:
            break
    assert total is not None
    assert seen is not None
    assert missing is not None
    mean = np.where(seen > 0, total / np.maximum(seen, 1), np.nan)
    return Exploration(quantities, missing / rows, edges, mean)
