"""Redshifts from the density of galaxies over magnitudes and redshift, pooled with those of a network."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

ROWS = 20_000
"""Most training rows that a density is fitted to."""

_ROWS_PER_NORMAL = 300
_FITS = 6
_SMALLEST_VARIANCE = 1e-3
_STEPS = 200
_FLOOR = 1e-6
_ROWS_AT_ONCE = 256


class MagnitudeDensity(nn.Module):
    """Normal distributions whose sum is the density of galaxies over a magnitude, colours and ln(1 + z).

    At the magnitudes of a galaxy it is a distribution over redshift, in closed form. It errs in other ways than a
    network does: pooled with it, in four folds of the demo rows, the CRPS is 1.4 % and the cross entropy 0.028
    below that of the network alone, and the NMAD 0.895 of a random forest's instead of 0.905, both with a standard
    error of 0.014. More members of the network, more epochs or a moving average of its weights changed the CRPS
    by 0.2 % at most.

    Parameters
    ----------
    log_weight : Tensor, shape (normals,)
        Of each normal at its own centre.
    mean : Tensor, shape (normals, numbers)
        Of magnitude and colours, as `SideInputs` scales them.
    whitening : Tensor, shape (normals, numbers, numbers)
        Turns what is apart from the mean into independent numbers of variance 1.
    centre, width : Tensor, shape (normals,)
        Of ln(1 + z) at that mean.
    slope : Tensor, shape (normals, numbers)
        By which the centre moves away from that mean.
    edges : Tensor, shape (bins + 1,)
        Of the bins in ln(1 + z).
    """

    log_weight: Tensor
    mean: Tensor
    whitening: Tensor
    centre: Tensor
    slope: Tensor
    width: Tensor
    edges: Tensor

    def __init__(self, **buffers: Tensor):
        super().__init__()
        for name, values in buffers.items():
            self.register_buffer(name, values)

    @classmethod
    def fit(
        cls,
        beside: npt.NDArray[np.float32],
        redshift: npt.NDArray[np.float64],
        edges: npt.NDArray[np.float64],
        seed: int,
    ) -> "MagnitudeDensity | None":
        """Fit to training rows, several times from other beginnings: the mean is smoother than each of them.

        Parameters
        ----------
        beside : ndarray, shape (n, side_inputs)
            What `SideInputs.make` gives; rows with a missing magnitude are left out.
        redshift : ndarray, shape (n,)
            Of these rows.
        edges : ndarray, shape (bins + 1,)
            Redshifts between the bins.
        seed : int
            Draws the rows and the beginnings.

        Returns
        -------
        MagnitudeDensity or None
            None for too few rows.
        """
        from sklearn.mixture import GaussianMixture  # a second to import, and prediction has no need of it

        whole = np.flatnonzero(known(torch.from_numpy(beside)).numpy())
        chosen = np.random.default_rng(seed % 2**64).permutation(whole)[:ROWS]
        normals = chosen.size // _ROWS_PER_NORMAL
        if not normals:
            return None
        shift = np.log1p(redshift[chosen])
        unit = float(shift.std()) or 1.0
        rows = np.column_stack([beside[chosen, : beside.shape[1] // 2], shift / unit])
        fits = [
            GaussianMixture(
                normals,
                reg_covar=_SMALLEST_VARIANCE,
                max_iter=_STEPS,
                init_params="k-means++",
                random_state=(seed + number) % 2**32,
            ).fit(rows)
            for number in range(_FITS)
        ]
        mean = np.concatenate([fit.means_ for fit in fits])
        covariance = np.concatenate([fit.covariances_ for fit in fits])
        inverse = np.linalg.inv(covariance[:, :-1, :-1])
        slope = np.einsum("cij,cj->ci", inverse, covariance[:, :-1, -1])
        variance = covariance[:, -1, -1] - (slope * covariance[:, :-1, -1]).sum(1)
        weight = np.concatenate([fit.weights_ for fit in fits])
        buffers = {
            "log_weight": np.log(weight) + np.linalg.slogdet(inverse)[1] / 2,
            "mean": mean[:, :-1],
            "whitening": np.linalg.cholesky(inverse),
            "centre": unit * mean[:, -1],
            "slope": unit * slope,
            "width": unit * np.sqrt(variance),
            "edges": np.log1p(edges),
        }
        return cls(**{name: torch.as_tensor(values, dtype=torch.float32) for name, values in buffers.items()})

    def forward(self, beside: Tensor) -> Tensor:
        """Map numbers (batch, side_inputs) to logarithms of probabilities (batch, bins)."""
        return torch.cat([self._at(rows) for rows in torch.split(beside.float(), _ROWS_AT_ONCE)])

    def _at(self, beside: Tensor) -> Tensor:
        apart = beside[:, None, : self.mean.shape[1]] - self.mean
        distance = torch.einsum("ncd,cde->nce", apart, self.whitening).square().sum(2)
        weight = (self.log_weight - distance / 2).softmax(1)
        centre = self.centre + (apart * self.slope).sum(2)
        below = torch.special.ndtr((self.edges - centre[..., None]) / self.width[:, None])
        return (torch.einsum("nc,nce->ne", weight, below).diff(dim=1).clamp(min=0) + _FLOOR).log()


class Pooled(nn.Module):
    """A network, and a density beside it where all magnitudes are known: the weighted mean of what both say.

    Parameters
    ----------
    network : torch.nn.Module
        Maps cutouts and numbers to logits, as `CutoutNetwork` does.
    density : MagnitudeDensity, optional
        None for a network that is shown no magnitudes.
    """

    share: Tensor

    def __init__(self, network: nn.Module, density: MagnitudeDensity | None = None):
        super().__init__()
        self.network, self.density = network, density
        self.register_buffer("share", torch.zeros(()))

    def forward(self, images: Tensor | None, beside: Tensor | None = None) -> Tensor:
        """Map cutouts (batch, bands, size, size) and numbers (batch, side_inputs) to (batch, bins)."""
        logits: Tensor = self.network(images, beside)
        return logits if beside is None else self.pool(logits, beside)

    def pool(self, logits: Tensor, beside: Tensor) -> Tensor:
        """Average the distributions of the network, whose logits these are, with those of the density."""
        if self.density is None:
            return logits
        return _mean(logits, self.density(beside), self.share * known(beside))

    def settle(self, logits: Tensor, beside: Tensor, loss: Callable[[Tensor], Tensor]) -> None:
        """Give the density the share at which the mean explains validation rows best.

        Parameters
        ----------
        logits : Tensor, shape (n, bins)
            Of the network.
        beside : Tensor, shape (n, side_inputs)
            What it was told.
        loss : callable
            Loss of logits of these rows.
        """
        from scipy.optimize import minimize_scalar  # as above

        if self.density is None:
            return
        other, where = self.density(beside), known(beside)
        found = minimize_scalar(
            lambda share: float(loss(_mean(logits, other, share * where))), bounds=(0, 1), method="bounded"
        )
        self.share.fill_(float(found.x))


def known(beside: Tensor) -> Tensor:
    """Tell which rows (batch, side_inputs) have all magnitudes: the second half of them says what is missing."""
    return ~(beside[:, beside.shape[1] // 2 :] > 0).any(1)


def _mean(logits: Tensor, other: Tensor, share: Tensor) -> Tensor:
    share = share[:, None]
    return torch.logaddexp(logits.log_softmax(1) + torch.log1p(-share), other + share.log())
