"""Flat universes of matter and a cosmological constant, and how structure grows in them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

from components.common.errors import ParameterError

FloatArray = npt.NDArray[np.float64]

_EARLIEST = 1e-4
"""Scale factor where integration begins. Radiation is left out, as the simulations leave it out, so that the
growing mode of matter alone holds there: D = a, and -3/7 a^2 in second order."""


@dataclass(frozen=True)
class Cosmology:
    """A flat universe; the defaults are those of CAMELS.

    Attributes
    ----------
    omega_m : float
        Density of matter over the critical density, today.
    omega_b : float
        Of baryons: it shapes the power spectrum.
    h : float
        Hubble's constant in 100 km/s/Mpc.
    n_s : float
        Slope of the primordial power spectrum.
    sigma_8 : float
        Linear rms overdensity in spheres of 8 Mpc/h today.
    """

    omega_m: float = 0.3
    omega_b: float = 0.049
    h: float = 0.6711
    n_s: float = 0.9624
    sigma_8: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.omega_b < self.omega_m <= 1:
            raise ParameterError(
                f"A universe with omega_m {self.omega_m} and omega_b {self.omega_b} cannot be.",
                "Choose 0 < omega_b < omega_m <= 1: the universe is flat.",
            )
        if not (self.h > 0 and self.sigma_8 > 0 and np.isfinite(self.n_s)):
            raise ParameterError(
                f"h is {self.h}, sigma_8 {self.sigma_8}, n_s {self.n_s}.", "Give positive h and sigma_8."
            )

    def expansion(self, scale_factor: npt.ArrayLike) -> FloatArray:
        """Hubble's rate over that of today, E(a)."""
        a = np.asarray(scale_factor, dtype=np.float64)
        return np.asarray(np.sqrt(self.omega_m * a**-3.0 + 1 - self.omega_m))

    def growth(self, scale_factor: npt.ArrayLike) -> "Growth":
        """Growth at one or several scale factors, from the equations of linear and second order."""
        a = np.atleast_1d(np.asarray(scale_factor, dtype=np.float64))
        if not np.all((a >= _EARLIEST) & (a <= 1)):
            raise ParameterError(
                f"Scale factors from {a.min():g} to {a.max():g} are asked for.", f"Choose {_EARLIEST} to 1."
            )
        log_a, table = _integrate(self.omega_m)
        first, slope, second, second_slope = (np.interp(np.log(a), log_a, row) for row in table)
        return Growth(first, slope / first, second, second_slope / slope)


@dataclass(frozen=True, eq=False)
class Growth:
    """How far structure has grown, in units of the linear growth up to today.

    Attributes
    ----------
    first : ndarray
        D, 1 today: overdensities of linear theory scale by it.
    rate : ndarray
        f = dlnD/dlna: velocities scale by it.
    second : ndarray
        Factor of the second-order displacement; -3/7 D^2 where matter is all there is.
    second_slope : ndarray
        Its derivative by D.
    """

    first: FloatArray
    rate: FloatArray
    second: FloatArray
    second_slope: FloatArray


@lru_cache(maxsize=16)  # 80 kB each: those of the simulations that run at the time
def _integrate(omega_m: float) -> tuple[FloatArray, FloatArray]:
    """Return ln a and, at each, D, dD/dlna, the second-order factor and its derivative by ln a."""
    log_a = np.linspace(np.log(_EARLIEST), 0.0, 2049)

    def slopes(x: float, y: FloatArray) -> FloatArray:
        matter = omega_m * np.exp(-3 * x)
        share = matter / (matter + 1 - omega_m)
        friction, gravity = 2 - 1.5 * share, 1.5 * share
        return np.array(
            [y[1], gravity * y[0] - friction * y[1], y[3], gravity * (y[2] - y[0] ** 2) - friction * y[3]]
        )

    a = _EARLIEST
    start = np.array([a, a, -3 / 7 * a**2, -6 / 7 * a**2])
    # In units of the start, because the second order begins at 1e-8 of what it becomes.
    solution = solve_ivp(slopes, (log_a[0], 0.0), start, "DOP853", log_a, rtol=1e-9, atol=1e-14)
    today = solution.y[0, -1]
    return log_a, solution.y / np.array([[today], [today], [today**2], [today**2]])
