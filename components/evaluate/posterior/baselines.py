"""What simpler methods know of the parameters: nothing, mean and variance of maps, their power spectra."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from components.preprocess.field_maps.preparation import scalings_of

Floats = npt.NDArray[np.float64]

PRIOR, MOMENTS, SPECTRUM, START = "prior", "moments", "power_spectrum", "start"
LABELS = {
    START: "ridge that it begins from",
    PRIOR: "mean of the training universes",
    MOMENTS: "mean and variance of the maps, ridge",
    SPECTRUM: "power spectra",
}
_BINS = 12
_MOST_MULTIPLIED = 64
"""Inputs of a ridge up to which it sees their products too: of thirteen fields' spectra these are 12,246, as many
as there are maps to learn from, and a decomposition of six gigabytes."""
_PENALTIES = (1e-2, 1.0, 10.0)
_NETWORKS = 2
_EPOCHS = 100


@dataclass(frozen=True)
class Summaries:
    """What the baselines look at, of n maps.

    Attributes
    ----------
    moments : ndarray, shape (n, fields, 4)
        Logarithms of mean and of relative variance, mean and standard deviation of the logarithm.
    spectra : ndarray, shape (n, fields, bins)
        Logarithms of the power of the maps by wavenumber, in physical units; the mean is not among them.
    """

    moments: Floats
    spectra: Floats

    @classmethod
    def joined(cls, parts: Sequence["Summaries"]) -> "Summaries":
        """Put maps after each other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("moments", "spectra")))


def summarise(prepared: npt.NDArray[Any], settings: Mapping[str, Any]) -> Summaries:
    """Summarise prepared maps (n, fields, grid, grid), whose logarithms are undone for the power spectra."""
    scalings = scalings_of(settings)
    logs = np.stack(
        [prepared[:, place].astype(np.float64) * s.std + s.mean for place, s in enumerate(scalings)], axis=1
    )
    maps = 10.0 ** (logs - logs.mean())  # powers of ten of very small and very large units alike
    mean = maps.mean(axis=(2, 3))
    contrast = maps / mean[:, :, None, None] - 1
    scale = np.log10(mean) + logs.mean()
    variance = np.log10((contrast**2).mean(axis=(2, 3)) + 1e-12)
    moments = np.stack([scale, variance, logs.mean(axis=(2, 3)), logs.std(axis=(2, 3))], axis=2)
    return Summaries(moments, np.log10(power(contrast) + 1e-12) + 2 * scale[:, :, None])


def power(contrast: Floats) -> Floats:
    """Power of maps (..., n, n) in up to twelve bins of wavenumber, from the fundamental to the corner's."""
    side = contrast.shape[-1]
    amplitude = np.abs(np.fft.rfft2(contrast)) ** 2 / side**2
    rows, columns = np.fft.fftfreq(side) * side, np.arange(side // 2 + 1)
    wavenumber = np.hypot(rows[:, None], columns[None])
    twice = np.where((columns == 0) | (columns == side // 2), 1.0, 2.0) * np.ones_like(wavenumber)
    edges = np.unique(np.round(np.geomspace(1, side / np.sqrt(2) + 1, _BINS + 1)))
    which = np.digitize(wavenumber, edges)
    masks = np.stack([(which == b) * twice for b in range(1, len(edges))]).reshape(len(edges) - 1, -1)
    flat = amplitude.reshape(*contrast.shape[:-2], -1)
    return np.asarray(flat @ masks.T / masks.sum(axis=1))


@dataclass(frozen=True)
class Baselines:
    """Fitted methods; all answer for omega_m and sigma_8.

    Attributes
    ----------
    prior : ndarray, shape (2,)
        Mean of the training universes.
    moments : Pipeline
        Ridge on moments and their squares.
    spectra : list of list of Pipeline
        Small networks on power spectra, whose answers are averaged, or ridge on them and, of few fields, their
        products: what does better on validation maps, for omega_m and for sigma_8.
    spectra_first : list of list of Pipeline
        The same on the first field alone.
    unit : ndarray, shape (2,)
        What answers of the networks are in units of.
    """

    prior: Floats
    moments: Pipeline
    spectra: list[list[Pipeline]]
    spectra_first: list[list[Pipeline]]
    unit: Floats

    def predict(self, summaries: Summaries) -> dict[str, Floats]:
        """Return the answers of each method, shape (n, 2); `first` is that of the first field's power spectrum."""
        rows = len(summaries.moments)
        return {
            PRIOR: np.tile(self.prior, (rows, 1)),
            MOMENTS: np.asarray(self.moments.predict(summaries.moments.reshape(rows, -1))),
            SPECTRUM: self._networks(self.spectra, summaries.spectra),
            "first": self._networks(self.spectra_first, summaries.spectra[:, :1]),
        }

    def _networks(self, chosen: list[list[Pipeline]], spectra: Floats) -> Floats:
        inputs = spectra.reshape(len(spectra), -1)
        answers = [
            np.mean([network.predict(inputs)[:, place] for network in networks], axis=0)
            for place, networks in enumerate(chosen)
        ]
        return np.asarray(self.prior + self.unit * np.column_stack(answers))


def fit_baselines(
    training: tuple[Summaries, Floats], validation: tuple[Summaries, Floats], seed: int
) -> Baselines:
    """Fit all methods on training maps, and choose how smooth the networks are by validation maps.

    Parameters
    ----------
    training, validation : tuple of Summaries and ndarray, shape (n, 2)
        Maps, and their omega_m and sigma_8.
    seed : int
        Of the networks' first weights.
    """
    own, truth = training
    flat = own.moments.reshape(len(truth), -1)
    moments = _ridge(flat).fit(flat, truth)
    prior, unit = truth.mean(axis=0), np.maximum(truth.std(axis=0), 1e-9)
    scaled = ((truth - prior) / unit, (validation[1] - prior) / unit)

    def best(spectra: Floats, checked: Floats) -> list[list[Pipeline]]:
        inputs, held = spectra.reshape(len(spectra), -1), checked.reshape(len(checked), -1)
        candidates = [[_ridge(inputs).fit(inputs, scaled[0])]]
        for penalty in _PENALTIES:
            with warnings.catch_warnings():  # the number of epochs is chosen, not waited for
                warnings.simplefilter("ignore", ConvergenceWarning)
                networks = [_network(penalty, seed + number).fit(inputs, scaled[0]) for number in range(_NETWORKS)]
            candidates.append(networks)
        answers = [np.mean([one.predict(held) for one in methods], axis=0) for methods in candidates]
        errors = np.array([((answer - scaled[1]) ** 2).mean(axis=0) for answer in answers])
        return [candidates[place] for place in errors.argmin(axis=0)]

    every = best(own.spectra, validation[0].spectra)
    alone = own.spectra.shape[1] == 1
    first = every if alone else best(own.spectra[:, :1], validation[0].spectra[:, :1])
    return Baselines(prior, moments, every, first, unit)


def _ridge(inputs: Floats) -> Pipeline:
    degree = 2 if inputs.shape[1] <= _MOST_MULTIPLIED else 1
    return make_pipeline(StandardScaler(), PolynomialFeatures(degree), RidgeCV(np.geomspace(1e-3, 1e4, 8)))


def _network(penalty: float, seed: int) -> Pipeline:
    network = MLPRegressor(
        hidden_layer_sizes=(64, 32),
        alpha=penalty,
        learning_rate_init=3e-3,
        max_iter=_EPOCHS,
        n_iter_no_change=_EPOCHS,
        random_state=seed % 2**32,
    )
    return make_pipeline(StandardScaler(), network)
