"""The chance of each answer to win a vote."""

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

FloatArray = npt.NDArray[np.float64]


def winner_probabilities(chances: FloatArray, most: int) -> FloatArray:
    """Return how likely each answer gets the most votes, the first of the tied winning.

    Parameters
    ----------
    chances : ndarray, shape (rows, answers)
        Of each answer for one voter.
    most : int
        Largest number of voters, below 150.

    Returns
    -------
    ndarray, shape (rows, most + 1, answers)
        For each number of voters from 0, by the exact sum over all counts.
    """
    n = np.arange(most + 1)
    # Terms of the series of exp(p x): products of them, times n!, count the ways to share n votes out.
    terms = np.exp(n * np.log(np.maximum(chances, 1e-300))[..., None] - gammaln(n + 1.0))
    out = np.zeros((len(chances), most + 1, chances.shape[1]))
    for row, series in enumerate(terms):
        for winner in range(len(series)):
            # Those before the winner must have fewer votes, so that it has one at least unless it comes first.
            for votes in range(1 if winner else 0, most + 1):
                others = np.ones(1)
                for rival in range(len(series)):
                    if rival != winner:
                        allowed = votes if rival < winner else votes + 1
                        others = np.convolve(others, series[rival, :allowed])[: most + 1 - votes]
                out[row, votes : votes + others.size, winner] += series[winner, votes] * others
    return np.asarray(out * np.exp(gammaln(n + 1.0))[:, None])
