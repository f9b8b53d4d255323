"""Principal components of spectra, fitted to training rows and kept as plain arrays."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from components.train.regressors.features import Floats, Singles

MOST = 100
"""Components that are computed; how many of them a regressor sees is tuned."""


@dataclass(frozen=True)
class PrincipalComponents:
    """A linear projection of spectra.

    Attributes
    ----------
    mean : ndarray, shape (pixels,)
        Mean training spectrum.
    axes : ndarray, shape (components, pixels)
        Orthonormal eigenspectra, by falling variance.
    variance : ndarray, shape (components,)
        Variance of the training spectra along each.
    total_variance : float
        Of all pixels together.
    """

    mean: Singles
    axes: Singles
    variance: Singles
    total_variance: float

    @classmethod
    def fit(cls, pixels: Singles, seed: int, most: int = MOST) -> "PrincipalComponents":
        """Find the axes of training spectra, at most so many."""
        count = min(most, *pixels.shape)
        found = PCA(count, svd_solver="randomized", random_state=seed).fit(pixels)
        return cls(
            found.mean_.astype(np.float32),
            found.components_.astype(np.float32),
            found.explained_variance_.astype(np.float32),
            float(pixels.var(axis=0, ddof=1).sum()),
        )

    def first(self, count: int) -> "PrincipalComponents":
        """Keep the first components only."""
        return replace(self, axes=self.axes[:count], variance=self.variance[:count])

    def project(self, pixels: Singles) -> Singles:
        """Return coefficients, shape (n, components)."""
        return np.asarray((pixels - self.mean) @ self.axes.T)

    def reconstruction_error(self, pixels: Singles, ivar: npt.NDArray[np.floating], counts: list[int]) -> Floats:
        """Return the root mean square of what the first components leave of observed pixels, one a count."""
        coefficients = self.project(pixels)
        seen = ivar > 0
        errors = []
        for count in counts:
            rest = pixels - self.mean - coefficients[:, :count] @ self.axes[:count]
            errors.append(np.sqrt((rest[seen] ** 2).mean()))
        return np.array(errors, dtype=np.float64)
