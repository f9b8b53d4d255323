"""How alike reconstructed and true initial maps are, by wavenumber: what is kept of a box, and the scores."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.scores import Definition

Floats = npt.NDArray[np.float64]

EDGES = (0.2, 0.3, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 2.6, 3.4, 4.5, 6.0, 8.0)
"""Ends of the bins of curves, in h/Mpc."""

BANDS = ((0, 2), (2, 5), (5, 8), (8, 13))
"""The bins of the four bands that scores are given for."""

BAND_NAMES = ("0.2 to 0.5", "0.5 to 1", "1 to 2", "above 2")
"""In h/Mpc."""

SLABS = 8
"""Maps that a box is looked at in; thinner slices are averaged, to 3.1 Mpc/h in a box of 25."""

MEANINGFUL = 0.3
"""Where no method correlates as well as this, being ahead of the others means nothing."""

_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Measured:
    """Sums over the waves of each bin, for each of n boxes; all have shape (n, bins).

    Of bins without waves, such as those below the lowest of a small box, nothing is known: what follows is NaN.

    Attributes
    ----------
    truth : ndarray
        Squared amplitudes of the true initial field.
    power : ndarray
        Of the reconstructed one.
    cross : ndarray
        Real part of one times the other's conjugate.
    spread : ndarray
        Of the samples around their mean: what the error is said to be; NaN for methods without samples.
    """

    truth: Floats
    power: Floats
    cross: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Measured":
        return Measured(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence["Measured"]) -> "Measured":
        """Put boxes after each other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    @property
    def pit(self) -> None:
        """There are no distributions of single numbers."""
        return None

    def in_bands(self) -> "Measured":
        """Sum the bins of each band."""
        return Measured(
            *(
                np.stack([getattr(self, f.name)[:, a:b].sum(axis=1) for a, b in BANDS], axis=1)
                for f in fields(self)
            )
        )

    def correlation(self, weights: Floats) -> Floats:
        """Cross-correlation r, shape (resamples, bins)."""
        truth, power = weights @ self.truth, weights @ self.power
        return _where_waves(truth, (weights @ self.cross) / np.sqrt(np.maximum(truth * power, _TINY)))

    def transfer(self, weights: Floats) -> Floats:
        """Transfer function T: root of reconstructed over true power, shape (resamples, bins)."""
        truth = weights @ self.truth
        return _where_waves(truth, np.sqrt((weights @ self.power) / np.maximum(truth, _TINY)))

    def calibration(self, weights: Floats) -> Floats:
        """Spread of the samples over the error of the mean, both rms, shape (resamples, bins)."""
        error = weights @ (self.truth + self.power - 2 * self.cross)
        return _where_waves(weights @ self.truth, np.sqrt((weights @ self.spread) / np.maximum(error, _TINY)))


def _where_waves(truth: Floats, values: Floats) -> Floats:
    return np.where(truth > 0, values, np.nan)


def _correlation(band: int) -> Any:
    return lambda measured, weights: measured.in_bands().correlation(weights)[:, band]


def _transfer(band: int) -> Any:
    return lambda measured, weights: measured.in_bands().transfer(weights)[:, band]


def _worst_calibration(measured: Measured, weights: Floats) -> Floats:
    """Ratio of spread to error in the band where it is furthest from 1."""
    ratio = measured.in_bands().calibration(weights)
    far = np.where(np.isfinite(ratio), np.abs(np.log(np.maximum(ratio, 1e-9))), -1)
    return np.asarray(np.take_along_axis(ratio, far.argmax(axis=1)[:, None], axis=1)[:, 0])


HEADLINE = "cross_correlation_mid_k"

SCORES = (
    Definition("cross_correlation_low_k", "r, k from 0.2 to 0.5 h/Mpc", "", "higher", _correlation(0)),
    Definition("cross_correlation_mid_k", "r, k from 0.5 to 1 h/Mpc", "", "higher", _correlation(1)),
    Definition("cross_correlation_high_k", "r, k from 1 to 2 h/Mpc", "", "higher", _correlation(2)),
    Definition("transfer_low_k", "T, k from 0.2 to 0.5 h/Mpc", "", "target", _transfer(0), 1.0),
    Definition("transfer_mid_k", "T, k from 0.5 to 1 h/Mpc", "", "target", _transfer(1), 1.0),
    Definition(
        "sample_calibration",
        "spread over error of the samples, in the band where it is furthest from 1",
        "",
        "target",
        _worst_calibration,
        1.0,
    ),
)
"""Scores of slab maps; wavenumbers are those in the plane of the map."""

OF_METHODS = SCORES[:5]
"""Those that a method without samples has."""
