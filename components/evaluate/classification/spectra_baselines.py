"""What a practitioner would try on spectra first: the majority, colours alone, principal components."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.common.scores import Floats
from components.common.scores_classification import majority
from components.common.tables import Columns, read_batches, read_settings
from components.evaluate.classification.outcome import LABEL, index_classes
from components.evaluate.regression.baselines import TRAINING_ROWS, coarsen
from components.physics.wavelength_grid import WavelengthGrid

COMPONENTS = 40

BANDS_ANGSTROM = ((3850, 4600), (4600, 5400), (5400, 6700), (6700, 8000), (8000, 9100))
"""Broad bands of the light that both generations of SDSS spectrographs see: roughly B, g, r, i, z."""

LABELS = {
    "majority": "class frequencies",
    "colours": "colours alone, boosted trees",
    "pca_logistic": "PCA and logistic regression",
}
"""Names of the baselines for a reader."""

_COLUMNS = ("flux", "ivar", "offset", "scale")
_ITERATIONS = 150


def colours(rows: Columns, wavelength_angstrom: Floats) -> Floats:
    """Light in each band, relative to that in all, shape (n, bands): what photometry would know of a spectrum.

    Parameters
    ----------
    rows : dict of str to ndarray
        Normalised `flux` and its `ivar`, with the `offset` and `scale` that undo the normalisation.
    wavelength_angstrom : ndarray, shape (pixels,)
        Of the grid.
    """
    flux = rows["offset"][:, None] + rows["scale"][:, None] * rows["flux"]
    good = rows["ivar"] > 0
    light = []
    for low, high in BANDS_ANGSTROM:
        inside = (wavelength_angstrom >= low) & (wavelength_angstrom < high)
        count = good[:, inside].sum(axis=1)
        total = np.where(good[:, inside], flux[:, inside], 0.0).sum(axis=1)
        light.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    bands = np.stack(light, axis=1).astype(np.float64)
    return np.asarray(bands / (np.nansum(np.abs(bands), axis=1, keepdims=True) + 1e-30))


class SpectraBaselines:
    """Baselines fitted to at most `TRAINING_ROWS` training spectra, drawn at random.

    Parameters
    ----------
    table : Path
        A preprocessed data set.
    classes : sequence of str
        Names, in the order of the probabilities.
    seed : int
        Of the draw and of the fits.
    """

    def __init__(self, table: Path, classes: Sequence[str], seed: int):
        self.classes = list(classes)
        grid = WavelengthGrid(**read_settings(table)["grid"])
        self.wavelength_angstrom, self.step = grid.wavelength_angstrom, grid.step
        every = np.concatenate([b[LABEL] for b in read_batches(table, [LABEL], "train")])
        self.truth = index_classes(every, classes)
        drawn = np.random.default_rng(seed % 2**64).permutation(every.size)[:TRAINING_ROWS]
        chosen = np.zeros(every.size, dtype=bool)
        chosen[drawn] = True
        flux, light = self._read(table, chosen)
        truth = self.truth[chosen]
        state = seed % 2**32
        components = min(COMPONENTS, *flux.shape)
        self._colours = HistGradientBoostingClassifier(max_iter=_ITERATIONS, random_state=state).fit(light, truth)
        self._pca = make_pipeline(
            PCA(components, svd_solver="randomized", random_state=state),
            StandardScaler(),
            LogisticRegression(max_iter=500, class_weight="balanced"),
        ).fit(flux, truth)

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader."""
        return LABELS

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Probabilities of shape (n, classes) by method."""
        flux = coarsen(rows["flux"], rows["ivar"], self.step).flux
        return {
            "majority": majority(self.truth, len(self.classes), len(flux)),
            "colours": self._complete(self._colours, colours(rows, self.wavelength_angstrom)),
            "pca_logistic": self._complete(self._pca, flux),
        }

    def _read(self, table: Path, chosen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.float32], Floats]:
        flux, light, begin = [], [], 0
        for batch in read_batches(table, _COLUMNS, "train"):
            wanted = chosen[begin : begin + len(batch["flux"])]
            begin += len(wanted)
            rows = {name: values[wanted] for name, values in batch.items()}
            flux.append(coarsen(rows["flux"], rows["ivar"], self.step).flux)
            light.append(colours(rows, self.wavelength_angstrom))
        return np.concatenate(flux), np.concatenate(light)

    def _complete(self, estimator: HistGradientBoostingClassifier, features: npt.NDArray[Any]) -> Floats:
        """Give classes that the training rows lack the probability 0."""
        probability = np.zeros((len(features), len(self.classes)))
        probability[:, estimator.classes_] = estimator.predict_proba(features)
        return probability
