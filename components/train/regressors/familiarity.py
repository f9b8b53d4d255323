"""Whether a spectrum is like those that a regressor learnt from: outside of them, no stated error holds.

A regressor answers whatever it is shown, and guesses the size of its error from spectra that it knows. So each
model keeps principal components of its training spectra. What these leave of a spectrum, averaged until lines
and noise are gone, is small for a galaxy of the kind that was learnt, however noisy or bright, and large for a
break or a broad line at a wavelength where none ever was: another range of redshifts, another kind of object.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from components.common.tables import Columns
from components.train.regressors.features import Floats, Spectra, describe
from components.train.regressors.principal_components import PrincipalComponents

COMPONENTS = 10
"""Few, so that they cannot imitate what they have not seen; they fit galaxies that they know all the same."""

_BLOCK_LOG10 = 0.0064
"""Width of the averages in log10 wavelength, 4400 km/s: wider than any line of a galaxy."""

_QUANTILE, _MARGIN = 0.99, 1.25
"""A spectrum is unfamiliar beyond 1.25 times what the validation spectra stay within in 99 of 100 cases."""


@dataclass(frozen=True)
class Familiarity:
    """What the training spectra look like, and how far from it a spectrum may be.

    Attributes
    ----------
    projection : PrincipalComponents
        Of the training spectra.
    block : int
        Pixels that are averaged.
    limit : float
        Largest departure of a familiar spectrum.
    """

    projection: PrincipalComponents
    block: int
    limit: float

    @classmethod
    def fit(
        cls, training: Spectra, projection: PrincipalComponents | None, validation: Columns, step: float, seed: int
    ) -> "Familiarity":
        """Learn from training spectra, and take the limit from others, prepared as `features.COLUMNS`.

        Parameters
        ----------
        training : Spectra
            What the model has learnt from.
        projection : PrincipalComponents or None
            Their components, where they are known already.
        validation : dict of str to ndarray
            Spectra of the same kind that the model has not learnt from.
        step : float
            Width of a pixel in log10 wavelength.
        seed : int
            Of the decomposition.
        """
        found = projection or PrincipalComponents.fit(training.pixels, seed, COMPONENTS)
        unfinished = cls(found.first(COMPONENTS), max(1, round(_BLOCK_LOG10 / step)), np.inf)
        limit = _MARGIN * float(np.quantile(unfinished.departure(validation), _QUANTILE))
        return cls(unfinished.projection, unfinished.block, limit)

    def departure(self, columns: Columns) -> Floats:
        """Return the root mean square of what is left of each spectrum, its noise taken off, shape (n,).

        In units of the median flux of the spectrum.
        """
        pixels = describe(columns).pixels
        rest = pixels - self.projection.mean - self.projection.project(pixels) @ self.projection.axes
        relative = np.maximum(columns["offset"].astype(np.float64), 1e-3) / np.maximum(columns["scale"], 1e-30)
        weight = columns["ivar"] * relative[:, None] ** 2
        whole = pixels.shape[1] // self.block * self.block
        shape = (len(pixels), -1, self.block)
        total = weight[:, :whole].reshape(shape).sum(axis=2)
        mean = (weight * rest)[:, :whole].reshape(shape).sum(axis=2) / np.maximum(total, 1e-30)
        seen = total > 0
        excess = np.where(seen, mean**2 - 1 / np.where(seen, total, 1.0), 0.0)
        return np.asarray(np.sqrt(np.maximum(excess.sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 0.0)))

    def to_json(self) -> dict[str, Any]:
        """Return what `model.json` holds; the components are stored beside it."""
        return {"block": self.block, "limit": self.limit, "total_variance": self.projection.total_variance}
