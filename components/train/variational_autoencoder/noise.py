"""Noise of the right power: what the network cannot know, wave by wave."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.physics.mode_spectra import BandSums, magnitude
from components.train.variational_autoencoder.inputs import Geometry

FloatArray = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]

_BANDS = 14
_SMALLEST_SHARE = 0.02
_RIDGE_ROWS = 1.0
_TINY = 1e-12


@dataclass(frozen=True)
class NoiseModel:
    """Power of the noise by band of wavenumber, depending on how strong structure is in the box.

    Attributes
    ----------
    edges : list of float
        Bands of wavenumber.
    level : list of float
        Logarithm of the noise power in each band for an average box; white noise of unit variance has 0.
    slope : list of list of float
        For each band, how it changes with each of the numbers that describe the box.
    """

    edges: list[float]
    level: list[float]
    slope: list[list[float]]

    def power(self, summary: npt.NDArray[np.floating]) -> FloatArray:
        """Noise power of each band, shape (rows, bands), for descriptions of shape (rows, numbers)."""
        return np.asarray(np.exp(np.array(self.level) + summary.astype(np.float64) @ np.array(self.slope).T))

    def draw(self, summary: npt.NDArray[np.floating], geometry: Geometry, rng: np.random.Generator) -> Field:
        """Draw noise for one box, shape `geometry.shape`."""
        white = rng.standard_normal(geometry.shape, dtype=np.float32)
        band = np.digitize(magnitude(geometry.shape, geometry.lengths), self.edges) - 1
        power = np.concatenate([self.power(summary[None])[0], [0.0]])  # neither the mean nor what is beyond
        amplitude = np.sqrt(power)[np.where(band < len(self.level), band, -1)].astype(np.float32)
        return np.asarray(
            fft.irfftn(fft.rfftn(white) * amplitude, s=list(geometry.shape), overwrite_x=True), dtype=np.float32
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `model.json` keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "NoiseModel":
        """Read what `to_json` wrote."""
        return cls(stored["edges"], stored["level"], stored["slope"])


def noise_bands(geometry: Geometry) -> tuple[list[float], BandSums]:
    """Bands of the noise on the grid of the slices."""
    wave = magnitude(geometry.shape, geometry.lengths)
    edges = np.geomspace(0.9 * 2 * np.pi / geometry.box_size, 1.001 * float(wave.max()), _BANDS + 1).tolist()
    return edges, BandSums(edges, geometry.shape, geometry.lengths)


def fit_noise(
    edges: list[float],
    missing: FloatArray,
    total: FloatArray,
    summary: npt.NDArray[np.floating],
    held_out: npt.NDArray[np.bool_],
) -> NoiseModel:
    """Fit the noise to what answers miss beyond what the latents spread.

    How strong it is, and how that changes from box to box, is taken from all rows, because few would not tell. A
    network misses less of the rows that it has learnt from; by how much is seen in the share of the power that it
    misses, which differs far less from box to box than the power itself.

    Parameters
    ----------
    edges : list of float
        Bands of wavenumber.
    missing, total : ndarray, shape (rows, bands)
        Mean power that is missing in each band, and that of the initial field.
    summary : ndarray, shape (rows, numbers)
        Numbers that describe each box.
    held_out : ndarray of bool, shape (rows,)
        Rows that were not trained on.
    """
    floor = _SMALLEST_SHARE * missing.mean(axis=0) + _TINY
    logarithm = np.log(np.maximum(missing, floor))
    numbers = summary.astype(np.float64)
    centred = numbers - numbers.mean(axis=0)
    inner = centred.T @ centred + _RIDGE_ROWS * np.eye(numbers.shape[1])
    slope = np.linalg.solve(inner, centred.T @ (logarithm - logarithm.mean(axis=0))).T
    # The level makes the mean power right, not the mean of its logarithm.
    level = (missing / np.exp(numbers @ slope.T)).mean(axis=0)
    share = missing.sum(axis=0) / np.maximum(total.sum(axis=0), _TINY)
    unseen = missing[held_out].sum(axis=0) / np.maximum(total[held_out].sum(axis=0), _TINY)
    level *= np.where(share > 0, unseen / np.maximum(share, _TINY), 1.0)
    return NoiseModel(edges, np.log(np.maximum(level, floor)).tolist(), slope.tolist())
