"""What a practitioner would try first: linear regression, a random forest and a template scan.

They are fitted on the training rows alone and bounded in size, so that an evaluation stays a matter of seconds.
The bounds are part of the answer: see `TRAINING_ROWS`, `TEMPLATE_ROWS` and `FINEST_STEP`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV

from components.common.errors import InputError
from components.common.tables import Columns, read_batches
from components.evaluate.regression.rest_templates import Floats, Singles, Templates, fit_templates
from components.evaluate.regression.template_scan import scan

TRAINING_ROWS = 12_000
"""Most training spectra that the baselines see, drawn at random; with more the forest improves slowly."""

TEMPLATE_ROWS = 4000
"""Most training spectra that the templates are made of; three times as many changed no score by one per cent."""

FINEST_STEP = 4e-4
"""Pixels narrower than this in log10 wavelength (276 km/s) are averaged: the lines are broader by far."""

COMPONENTS = 40
TEMPLATE_COMPONENTS = 4
POLYNOMIAL_TERMS = 2
FAMILY_OVERLAP = (1.2, 1.8)
"""Below and above these redshifts the templates are a family of their own.

Chosen on 600 simulated spectra, once: 0.88 within 6000 km/s with one family of five templates, 0.91 with
two families of four.
"""

_FEWEST_IN_FAMILY = 50
_TREES = 60

LABELS = {
    "pca_ridge": "PCA and ridge regression",
    "random_forest": "random forest on PCA",
    "template_scan": "template scan",
}
"""Names of the baselines for a reader."""


@dataclass(frozen=True)
class Spectra:
    """Normalised spectra, at most as fine as the baselines want them.

    Attributes
    ----------
    flux, ivar : ndarray, shape (n, pixels)
        Flux, filled where missing, and its inverse variance, 0 there.
    step : float
        Width of a pixel in log10 wavelength.
    """

    flux: Singles
    ivar: Singles
    step: float


def coarsen(flux: Singles, ivar: Singles, step: float) -> Spectra:
    """Average neighbouring pixels, weighted by inverse variance, until they are as wide as `FINEST_STEP`.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n, pixels)
        Normalised spectra; where nothing was observed the filled flux is averaged as it is.
    step : float
        Width of a pixel in log10 wavelength.
    """
    factor = max(1, round(FINEST_STEP / step))
    if factor == 1:
        return Spectra(flux, ivar, step)
    pixels = flux.shape[1] // factor
    values = flux[:, : pixels * factor].reshape(len(flux), pixels, factor)
    weights = ivar[:, : pixels * factor].reshape(len(flux), pixels, factor)
    total = weights.sum(axis=2)
    mean = np.einsum("npf,npf->np", values, weights) / np.where(total > 0, total, 1)
    return Spectra(np.where(total > 0, mean, values.mean(axis=2)).astype(np.float32), total, step * factor)


class Baselines:
    """Baselines fitted to training spectra.

    Parameters
    ----------
    spectra : Spectra
        Training spectra.
    redshift : ndarray, shape (n,)
        Their labels.
    seed : int
        Seed of the randomised decomposition and of the forest.
    """

    def __init__(self, spectra: Spectra, redshift: Floats, seed: int):
        target = np.log1p(redshift)
        components = min(COMPONENTS, *spectra.flux.shape)
        self._pca = PCA(components, svd_solver="randomized", random_state=seed).fit(spectra.flux)
        features = self._pca.transform(spectra.flux)
        self._ridge = RidgeCV(np.logspace(-3, 5, 17)).fit(features, target)
        self._forest = RandomForestRegressor(
            _TREES, min_samples_leaf=2, max_features=1 / 3, max_samples=0.5, n_jobs=-1, random_state=seed
        ).fit(features, target)
        # Threads add up the trees in the order in which they finish: the last digit would depend on it.
        self._forest.set_params(n_jobs=1)
        self._families = _fit_families(spectra, redshift)

    def predict(self, spectra: Spectra) -> dict[str, Floats]:
        """Return redshifts of shape (n,) by name of the baseline."""
        features = self._pca.transform(spectra.flux)
        return {
            "pca_ridge": np.expm1(self._ridge.predict(features)),
            "random_forest": np.expm1(self._forest.predict(features)),
            "template_scan": scan(spectra.flux, spectra.ivar, self._families, POLYNOMIAL_TERMS).redshift,
        }


class SpectrumBaselines:
    """Baselines of a table of prepared spectra.

    Parameters
    ----------
    table : Path
        A preprocessed data set.
    step : float
        Width of its pixels in log10 wavelength.
    seed : int
        Of the draw of training rows, and as for `Baselines`.
    """

    labels = LABELS

    def __init__(self, table: Path, step: float, seed: int):
        spectra, redshift, self.training_truth = read_training(table, step, seed)
        self._fitted, self._step = Baselines(spectra, redshift, seed), step

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Return redshifts of shape (n,) by name of the baseline, from `flux` and `ivar`."""
        return self._fitted.predict(coarsen(rows["flux"], rows["ivar"], self._step))


def read_training(table: Path, step: float, seed: int) -> tuple[Spectra, Floats, Floats]:
    """Read what the baselines are fitted to: never more than `TRAINING_ROWS` spectra in memory.

    Parameters
    ----------
    table, step, seed
        As for `SpectrumBaselines`.

    Returns
    -------
    Spectra
        Drawn at random, in random order.
    ndarray
        Their redshifts.
    ndarray
        Redshifts of all training rows.
    """
    labels = [batch["redshift"] for batch in read_batches(table, ["redshift"], "train")]
    if not labels:
        raise InputError(
            f"{table} has no training row, so there is nothing to fit the baselines to.",
            "Preprocess with smaller fractions for validation and test.",
        )
    every = np.concatenate(labels)
    order = np.random.default_rng(seed).permutation(every.size)[:TRAINING_ROWS]
    chosen = np.zeros(every.size, dtype=bool)
    chosen[order] = True
    parts, begin = [], 0
    for batch in read_batches(table, ["flux", "ivar"], "train"):
        wanted = chosen[begin : begin + len(batch["flux"])]
        begin += len(batch["flux"])
        if wanted.any():
            parts.append(coarsen(batch["flux"][wanted], batch["ivar"][wanted], step))
    position = np.cumsum(chosen)[order] - 1
    flux, ivar = (np.concatenate([getattr(part, name) for part in parts])[position] for name in ("flux", "ivar"))
    return Spectra(flux, ivar, parts[0].step), every[order], every


def _fit_families(spectra: Spectra, redshift: Floats) -> list[Templates]:
    """Fit templates at low and at high redshift, or one family where either has too few spectra."""
    low = redshift[:TEMPLATE_ROWS] < FAMILY_OVERLAP[1]
    high = redshift[:TEMPLATE_ROWS] > FAMILY_OVERLAP[0]
    families = [low, high] if min(low.sum(), high.sum()) >= _FEWEST_IN_FAMILY else [low | high]
    return [
        fit_templates(
            spectra.flux[:TEMPLATE_ROWS][rows],
            spectra.ivar[:TEMPLATE_ROWS][rows],
            redshift[:TEMPLATE_ROWS][rows],
            spectra.step,
            TEMPLATE_COMPONENTS,
            POLYNOMIAL_TERMS,
        )
        for rows in families
    ]
