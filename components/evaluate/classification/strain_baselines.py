"""What strain is held against: the majority, excess power, and the matched filter, which is the bound."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from components.common.scores import Floats
from components.common.scores_classification import majority
from components.common.tables import Columns, read_batches, read_settings, read_table
from components.common.threads import cores
from components.evaluate.classification.outcome import LABEL, index_classes
from components.physics.matched_filter import TemplateBank, build_bank, excess_power, network_snr
from components.preprocess.strain.whitening import Whitening

TEMPLATES = 600
"""Templates of the bank. Doubling the bank from here on gains less than the interval of the score."""

MATCHED_FILTER = "matched_filter"
LABELS = {
    "majority": "class frequencies",
    "excess_power": "excess power",
    MATCHED_FILTER: f"matched filter, {TEMPLATES} templates",
}
"""Names of the baselines for a reader."""

CALIBRATION_ROWS = 320
"""Training windows that turn a statistic into a probability, which changes no ranking."""

_DEFAULT_MASSES = (10.0, 80.0)
_ROWS_AT_ONCE = 32

Statistic = Callable[[npt.NDArray[np.float32]], Floats]


class StrainBaselines:
    """Statistics of whitened strain, turned into probabilities on some training windows.

    The matched filter knows what the network has to learn: the waves, with the masses and spins that were
    injected, the noise, and how long light takes between the detectors. It does not know the times.

    Parameters
    ----------
    table : Path
        A preprocessed data set.
    classes : sequence of str
        Noise and signal.
    seed : int
        Of the bank and of the windows that are drawn.
    """

    def __init__(self, table: Path, classes: Sequence[str], seed: int):
        self._whitening = Whitening.from_settings(read_settings(table))
        known = read_table(table, [LABEL, "mass_1", "mass_2"], "train")
        self._truth = index_classes(known[LABEL], classes)
        self._classes = len(classes)
        generator = np.random.default_rng(seed % 2**64)
        self._bank = self._draw_bank(_range(known), generator)
        chosen = np.zeros(self._truth.size, dtype=bool)
        chosen[generator.permutation(self._truth.size)[:CALIBRATION_ROWS]] = True
        strain = _read(table, chosen)
        self._calibrations = {
            name: LogisticRegression(C=1e3).fit(statistic(strain)[:, None], self._truth[chosen])
            for name, statistic in self._statistics.items()
        }

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader."""
        return LABELS

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Probabilities of shape (n, classes) by method."""
        strain = rows["strain"]
        found = {"majority": majority(self._truth, self._classes, len(strain))}
        for name, statistic in self._statistics.items():
            found[name] = np.asarray(self._calibrations[name].predict_proba(statistic(strain)[:, None]))
        return found

    @property
    def _statistics(self) -> dict[str, Statistic]:
        return {"excess_power": self._power, MATCHED_FILTER: self._filter}

    def _power(self, strain: npt.NDArray[np.float32]) -> Floats:
        return excess_power(strain, self._whitening.sample_rate)

    def _filter(self, strain: npt.NDArray[np.float32]) -> Floats:
        parts = [strain[start : start + _ROWS_AT_ONCE] for start in range(0, len(strain), _ROWS_AT_ONCE)]
        with ThreadPoolExecutor(cores()) as pool:
            found = pool.map(lambda part: network_snr(part, self._bank)[0], parts)
        return np.concatenate([np.zeros(0), *found])

    def _draw_bank(self, masses: tuple[float, float], generator: np.random.Generator) -> TemplateBank:
        w = self._whitening
        return build_bank(TEMPLATES, w.response, w.kept, w.samples, w.sample_rate, generator, masses)


def _range(known: Columns) -> tuple[float, float]:
    """Masses of the waves in the training windows; those of the simulator's default where nobody says."""
    low, high = known["mass_2"], known["mass_1"]
    has_mass = np.isfinite(low) & np.isfinite(high)
    return (float(low[has_mass].min()), float(high[has_mass].max())) if has_mass.any() else _DEFAULT_MASSES


def _read(table: Path, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    parts, begin = [], 0
    for batch in read_batches(table, ["strain"], "train"):
        rows = chosen[begin : begin + len(batch["strain"])]
        begin += len(rows)
        parts.append(batch["strain"][rows])
    return np.concatenate(parts)
