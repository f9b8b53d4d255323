"""IMRPhenomD: inspiral, merger and ringdown of black holes with aligned spins, in the frequency domain.

Khan et al. 2016, Phys. Rev. D 93, 044007 (arXiv:1508.07253) and Husa et al. 2016, Phys. Rev. D 93, 044006
(arXiv:1508.07250). Amplitude and phase are put together from pieces that are sums of powers of the frequency. In
powers of `frequency * mass` the mass factors out, so that many binaries on one grid of frequencies are a few
matrix products. Checked against lalsimulation in `tests/physics/test_phenom_d.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.phenom_d_fits import fit_coefficients, radiated_energy, remnant_spin, ringdown
from components.physics.post_newtonian import amplitude_coefficients, phase_coefficients

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

SOLAR_MASS_SECONDS = 4.925490947641267e-06
"""G * solar mass / c^3."""
MEGAPARSEC_SECONDS = 1.0292712503e14
"""Megaparsec / c."""

_JOIN_AMPLITUDE = 0.014
_JOIN_PHASE = 0.018
_LAST = 0.2
"""Frequencies, times the total mass, where inspiral and intermediate pieces meet, and where the model ends."""


_BLOCK = 32
"""Binaries at a time: their frequencies and some of the work on them fit into a processor's cache."""


@dataclass(frozen=True)
class _Series:
    """Sums of c_k x^(p_k) + (l_0 + l_1 x^(1/3)) ln x, for n binaries.

    `powers` are shared; `coefficients` have shape (n, powers), and `logs` shape (n, 2).
    """

    powers: Sequence[float]
    coefficients: FloatArray
    logs: FloatArray | None = None

    def value(self, x: FloatArray) -> FloatArray:
        """Evaluate at one x for each binary."""
        total: FloatArray = (self.coefficients * x[:, None] ** np.asarray(self.powers)).sum(1)
        if self.logs is not None:
            total = total + (self.logs[:, 0] + self.logs[:, 1] * np.cbrt(x)) * np.log(x)
        return total

    def slope(self, x: FloatArray) -> FloatArray:
        """Evaluate the derivative at one x for each binary."""
        powers = np.asarray(self.powers)
        total: FloatArray = (self.coefficients * powers * x[:, None] ** (powers - 1)).sum(1)
        if self.logs is not None:
            third = self.logs[:, 1] * x ** (-2 / 3)
            total = total + self.logs[:, 0] / x + third * (1 + np.log(x) / 3)
        return total

    def on_grid(self, frequency: FloatArray, mass: FloatArray) -> FloatArray:
        """Evaluate at x = mass * frequency for every binary and frequency: shape (n, frequencies)."""
        powers = np.asarray(self.powers)
        left = self.coefficients * mass[:, None] ** powers
        right = frequency ** powers[:, None]
        if self.logs is not None:
            logs = self.logs * mass[:, None] ** np.array([0, 1 / 3])
            plain = logs * np.log(mass)[:, None]
            roots = np.stack([np.ones_like(frequency), np.cbrt(frequency)])
            left = np.concatenate([left, plain, logs], 1)
            right = np.concatenate([right, roots, roots * np.log(frequency)])
        product: FloatArray = left @ right
        return product

    def plus_line(self, constant: FloatArray, slope: FloatArray) -> "_Series":
        """Add constant + slope * x."""
        line = np.stack([constant, slope], 1)
        return _Series([*self.powers, 0.0, 1.0], np.concatenate([self.coefficients, line], 1), self.logs)


def strain_1mpc(
    frequency: FloatArray, mass_1: FloatArray, mass_2: FloatArray, spin_1: FloatArray, spin_2: FloatArray
) -> ComplexArray:
    """Fourier transform of the plus polarisation of binaries seen face-on from one megaparsec.

    Seen at an inclination i the polarisations are (1 + cos(i)^2) / 2 and -1j * cos(i) times this.

    Parameters
    ----------
    frequency : ndarray, shape (frequencies,)
        In Hz, rising, all above 0.
    mass_1, mass_2 : ndarray, shape (n,)
        In solar masses, in the detector's frame, in either order.
    spin_1, spin_2 : ndarray, shape (n,)
        Components along the orbital angular momentum, in units of mass squared.

    Returns
    -------
    ndarray of complex, shape (n, frequencies)
        In 1 / Hz, with the convention of `numpy.fft`: the integral of h(t) exp(-2 pi i f t). The amplitude peaks
        at time 0. Zero above 0.2 / (total mass).
    """
    swap = mass_1 < mass_2
    heavy, light = np.where(swap, mass_2, mass_1), np.where(swap, mass_1, mass_2)
    spin_heavy, spin_light = np.where(swap, spin_2, spin_1), np.where(swap, spin_1, spin_2)
    total = (heavy + light) * SOLAR_MASS_SECONDS
    strain: ComplexArray = np.zeros((len(total), len(frequency)), dtype=np.complex128)
    by_mass = np.argsort(-total, kind="stable")
    for start in range(0, len(total), _BLOCK):  # heavy binaries end early: the rest of their frequencies is zero
        rows = by_mass[start : start + _BLOCK]
        last = int(np.searchsorted(frequency, _LAST / total[rows].min()))
        binary = _Binary.of(heavy[rows] / (heavy + light)[rows], spin_heavy[rows], spin_light[rows])
        amplitude = _amplitude(binary, frequency[:last], total[rows])
        phase = _phase(binary, frequency[:last], total[rows])
        strain[rows, :last] = amplitude * (np.cos(phase) - 1j * np.sin(phase))
    return strain


@dataclass(frozen=True)
class _Binary:
    """What the pieces need, each of shape (n,)."""

    eta: FloatArray
    ring: FloatArray
    damp: FloatArray
    peak: FloatArray
    fits: dict[str, FloatArray]
    share: FloatArray
    spins: tuple[FloatArray, FloatArray]

    @classmethod
    def of(cls, share: FloatArray, spin_1: FloatArray, spin_2: FloatArray) -> "_Binary":
        eta = share * (1 - share)
        spin_pn = share * spin_1 + (1 - share) * spin_2 - 38 / 113 * eta * (spin_1 + spin_2)
        fits = fit_coefficients(eta, spin_pn)
        total_spin = share**2 * spin_1 + (1 - share) ** 2 * spin_2
        ring, damp = ringdown(remnant_spin(eta, total_spin), radiated_energy(eta, total_spin))
        gamma2, gamma3 = fits["gamma2"], fits["gamma3"]
        below = np.sqrt(np.maximum(1 - gamma2**2, 0)) - 1  # Eq. (20); where gamma2 is above 1 there is no maximum
        peak = np.abs(ring + damp * below * gamma3 / gamma2)
        return cls(eta, ring, damp, peak, fits, share, (spin_1, spin_2))


def _amplitude(binary: _Binary, frequency: FloatArray, total: FloatArray) -> FloatArray:
    """Eqs. (19), (21), (29) and (30) of Khan et al., times the leading order that they are in units of."""
    fits, x = binary.fits, frequency * total[:, None]
    calibrated = np.stack([fits["rho1"], fits["rho2"], fits["rho3"]], 1)
    known = amplitude_coefficients(binary.eta, binary.share, *binary.spins)
    inspiral = _Series([k / 3 for k in range(10)], np.concatenate([known, calibrated], 1))
    middle = _intermediate_amplitude(binary, inspiral)
    values = inspiral.on_grid(frequency, total)
    between = x >= _JOIN_AMPLITUDE
    values = np.where(between, middle.on_grid(frequency, total), values)
    values = np.where(x >= binary.peak[:, None], _ringdown_amplitude(binary, x)[0], values)
    leading = np.sqrt(5 / (64 * np.pi)) * 2 * total**2 / MEGAPARSEC_SECONDS
    leading = leading * np.sqrt(2 * binary.eta / 3) * np.pi ** (-1 / 6) * total ** (-7 / 6)
    amplitude: FloatArray = np.where(x < _LAST, values, 0.0)
    amplitude *= leading[:, None] * frequency ** (-7 / 6)
    return amplitude


def _ringdown_amplitude(binary: _Binary, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eq. (19), a Lorentzian with a falling exponential, and its derivative; x has shape (n, ...)."""
    shape = (-1,) + (1,) * (x.ndim - 1)
    ring = binary.ring.reshape(shape)
    gamma1, gamma2, gamma3 = (binary.fits[name].reshape(shape) for name in ("gamma1", "gamma2", "gamma3"))
    width = binary.damp.reshape(shape) * gamma3
    away = x - ring
    bell = away**2 + width**2
    value = gamma1 * width / bell * np.exp(np.minimum(-away * gamma2 / width, 700.0))
    return value, value * (-gamma2 / width - 2 * away / bell)


def _intermediate_amplitude(binary: _Binary, inspiral: _Series) -> _Series:
    """Eq. (21): the quartic with the values and slopes of both neighbours, and a fitted value halfway.

    Written as the cubic of Hermite plus the one quartic that vanishes, with its slope, at both ends.
    """
    low, high = np.full_like(binary.peak, _JOIN_AMPLITUDE), binary.peak
    width = high - low
    v1, d1 = inspiral.value(low), inspiral.slope(low)
    v3, d3 = _ringdown_amplitude(binary, high)
    # In s = (x - low) / width, from 0 to 1:
    cubic = [v1, d1 * width, 3 * (v3 - v1) - (2 * d1 + d3) * width, 2 * (v1 - v3) + (d1 + d3) * width]
    halfway = cubic[0] + cubic[1] / 2 + cubic[2] / 4 + cubic[3] / 8
    extra = 16 * (binary.fits["v2"] - halfway)  # of s^2 (1 - s)^2, which is 1/16 at 1/2
    in_s = np.stack([cubic[0], cubic[1], cubic[2] + extra, cubic[3] - 2 * extra, extra], 1)
    return _Series(range(5), _substituted(in_s, -low / width, 1 / width))


def _substituted(coefficients: FloatArray, constant: FloatArray, slope: FloatArray) -> FloatArray:
    """Coefficients in x of polynomials that are given in s = constant + slope * x, by Horner's rule."""
    result = np.zeros_like(coefficients)
    for column in coefficients.T[::-1]:
        shifted = np.zeros_like(result)
        shifted[:, 1:] = result[:, :-1] * slope[:, None]
        result = result * constant[:, None] + shifted
        result[:, 0] += column
    return result


def _phase(binary: _Binary, frequency: FloatArray, total: FloatArray) -> FloatArray:
    """Eqs. (14), (16), (27), (28), joined with equal values and slopes; the peak of the amplitude is at time 0."""
    fits, eta, x = binary.fits, binary.eta, frequency * total[:, None]
    known, logs = phase_coefficients(eta, binary.share, *binary.spins)
    sigma = [fits[f"sigma{k}"] / weight / eta for k, weight in ((1, 1.0), (2, 4 / 3), (3, 5 / 3), (4, 2.0))]
    powers = [*(k / 3 for k in range(-5, 3)), 1, 4 / 3, 5 / 3, 2]
    inspiral = _Series(powers, np.concatenate([known, np.stack(sigma, 1)], 1), logs)
    middle = _Series(
        (1, -3),
        np.stack([fits["beta1"], -fits["beta3"] / 3], 1) / eta[:, None],
        np.stack([fits["beta2"] / eta, np.zeros_like(eta)], 1),
    )
    join = np.full_like(eta, _JOIN_PHASE)
    slope = inspiral.slope(join) - middle.slope(join)
    middle = middle.plus_line(inspiral.value(join) - middle.value(join) - slope * join, slope)
    ringing = _Series(
        (1, -1, 0.75), np.stack([fits["alpha1"], -fits["alpha2"], 4 / 3 * fits["alpha3"]], 1) / eta[:, None]
    )
    last = 0.5 * binary.ring
    at_peak = ringing.slope(binary.peak) + _resonance(binary, binary.peak)[1]
    slope = middle.slope(last) - ringing.slope(last) - _resonance(binary, last)[1]
    constant = middle.value(last) - ringing.value(last) - _resonance(binary, last)[0] - slope * last
    values = inspiral.on_grid(frequency, total)
    values = np.where(x >= _JOIN_PHASE, middle.on_grid(frequency, total), values)
    merged = ringing.plus_line(constant, slope).on_grid(frequency, total) + _resonance(binary, x)[0]
    phase: FloatArray = np.where(x >= last[:, None], merged, values)
    phase -= at_peak[:, None] * x
    return phase


def _resonance(binary: _Binary, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute the arctangent of Eq. (14) and its derivative; x has shape (n, ...)."""
    shape = (-1,) + (1,) * (x.ndim - 1)
    alpha4 = (binary.fits["alpha4"] / binary.eta).reshape(shape)
    damp = binary.damp.reshape(shape)
    away = (x - (binary.fits["alpha5"] * binary.ring).reshape(shape)) / damp
    return alpha4 * np.arctan(away), alpha4 / damp / (1 + away**2)
