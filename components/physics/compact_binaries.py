"""Merging black holes as the detectors see them: a population, its waves, and how loud they are.

The strain of a window is made on a grid of frequencies twice as fine as the window asks for, so that nothing wraps
around into it: what a binary radiated long before the window is faded out by the frequency that it then had, and
only the window is kept.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.detector_noise import optimal_snr
from components.physics.detectors import DETECTORS, Sky, antenna_patterns, arrival_delays, draw_sky
from components.physics.phenom_d import SOLAR_MASS_SECONDS, strain_1mpc

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

LOWEST_SNR_FREQUENCY_HZ = 20.0
"""A signal-to-noise ratio counts from here on, where the analysis band begins."""

_QUIET_SECONDS = 0.25
_FADE_SECONDS = 0.7
"""Before the window the wave goes on unfaded for the first of these, in case it is older than the leading order
says, and is faded in during the second."""
_LEAD = 0.375
"""Share of the long segment before the window: what is faded in fits into it."""


@dataclass(frozen=True)
class Population:
    """Parameters of n binaries, each of shape (n,).

    Attributes
    ----------
    mass_1, mass_2 : ndarray
        In the detectors' frame, the heavier first, in solar masses.
    spin_1, spin_2 : ndarray
        Along the orbital angular momentum.
    phase : ndarray
        Orbital phase at the merger.
    sky : Sky
        Where they are and how they are oriented.
    """

    mass_1: FloatArray
    mass_2: FloatArray
    spin_1: FloatArray
    spin_2: FloatArray
    phase: FloatArray
    sky: Sky

    @property
    def chirp_mass(self) -> FloatArray:
        """The mass that rules the inspiral, in solar masses."""
        return chirp_mass(self.mass_1, self.mass_2)

    def __getitem__(self, rows: npt.NDArray[np.intp]) -> "Population":
        """Select binaries."""
        sky = Sky(**{name: values[rows] for name, values in vars(self.sky).items()})
        own = {name: values[rows] for name, values in vars(self).items() if name != "sky"}
        return Population(**own, sky=sky)

    def columns(self) -> dict[str, FloatArray]:
        """Parameters by name, but for the phase."""
        own = {name: getattr(self, name) for name in ("mass_1", "mass_2", "chirp_mass", "spin_1", "spin_2")}
        return {**own, **vars(self.sky)}


def chirp_mass(mass_1: FloatArray, mass_2: FloatArray) -> FloatArray:
    """Return (m1 m2)^(3/5) / (m1 + m2)^(1/5)."""
    return (mass_1 * mass_2) ** 0.6 / (mass_1 + mass_2) ** 0.2


def draw_population(
    count: int, minimum_mass: float, maximum_mass: float, maximum_spin: float, rng: np.random.Generator
) -> Population:
    """Draw binaries: masses uniform in their logarithm, spins and orientations uniform.

    No astrophysical population: it covers what is to be found evenly, so that a network learns all of it.
    """
    masses = np.exp(rng.uniform(np.log(minimum_mass), np.log(maximum_mass), (2, count)))
    spin_1, spin_2 = rng.uniform(-maximum_spin, maximum_spin, (2, count))
    phase = rng.uniform(0, 2 * np.pi, count)
    return Population(masses.max(0), masses.min(0), spin_1, spin_2, phase, draw_sky(count, rng))


@dataclass(frozen=True)
class Signals:
    """What the detectors would measure without noise.

    Attributes
    ----------
    strain : ndarray, shape (n, detectors, samples)
    snr : ndarray, shape (n, detectors)
        Optimal signal-to-noise ratio above 20 Hz.
    distance_mpc : ndarray, shape (n,)
        Luminosity distance at which the binary is that loud, redshift apart.
    """

    strain: FloatArray
    snr: FloatArray
    distance_mpc: FloatArray


def simulate_signals(
    population: Population,
    merger_time: FloatArray,
    network_snr: FloatArray,
    psd: FloatArray,
    samples: int,
    sample_rate: float,
) -> Signals:
    """Make the strain of binaries at distances that make them as loud as wanted.

    Parameters
    ----------
    population : Population
        Of n binaries.
    merger_time : ndarray, shape (n,)
        Seconds from the beginning of the window at which the peak passes the centre of the Earth.
    network_snr : ndarray, shape (n,)
        Root of the sum of the squared signal-to-noise ratios of all detectors.
    psd : ndarray, shape (detectors, samples + 1)
        One-sided noise density at the frequencies of `numpy.fft.rfftfreq(2 * samples, 1 / sample_rate)`.
    samples : int
        Length of the window.
    sample_rate : float
        In Hz.
    """
    frequency = signal_frequencies(samples, sample_rate)
    last = np.searchsorted(frequency, _highest_frequency(population)) + 1
    frequency, psd = frequency[:last], psd[:, :last]
    counted = np.where(frequency < LOWEST_SNR_FREQUENCY_HZ, np.inf, psd)
    lead = _LEAD * 2 * samples / sample_rate
    wave, factor = project(population, merger_time, frequency)
    unit = optimal_snr(wave[:, None], counted, frequency[1]) * np.abs(factor)
    scale = network_snr / np.sqrt((unit**2).sum(1))
    factor = factor * scale[:, None]
    delays = arrival_delays(population.sky) + merger_time[:, None] + lead
    spectrum = np.zeros((len(scale), len(DETECTORS), samples + 1), dtype=np.complex128)
    for index in range(len(DETECTORS)):
        spectrum[:, index, :last] = wave * factor[:, index, None] * _ramp(delays[:, index], frequency)
    start = round(lead * sample_rate)
    strain = np.fft.irfft(spectrum, 2 * samples)[..., start : start + samples] * sample_rate
    return Signals(np.asarray(strain), unit * scale[:, None], 1 / scale)


def signal_frequencies(samples: int, sample_rate: float) -> FloatArray:
    """Return the frequencies, in Hz, at which `simulate_signals` wants the noise density."""
    return np.asarray(np.fft.rfftfreq(2 * samples, 1 / sample_rate))


def project(
    population: Population, merger_time: FloatArray, frequency: FloatArray
) -> tuple[ComplexArray, ComplexArray]:
    """Waves at one megaparsec, and the complex factor by which each detector sees them.

    Both polarisations are the same wave, so that a detector's is the wave times one number and delayed.

    Parameters
    ----------
    population : Population
        Of n binaries.
    merger_time : ndarray, shape (n,)
        Seconds of the inspiral that are wanted.
    frequency : ndarray, shape (frequencies,)
        In Hz, from 0 on.

    Returns
    -------
    wave : ndarray of complex, shape (n, frequencies)
        With the peak at time 0, and faded out before it was as old as wanted.
    factor : ndarray of complex, shape (n, detectors)
    """
    wave = np.zeros((len(merger_time), len(frequency)), dtype=np.complex128)
    wave[:, 1:] = strain_1mpc(
        frequency[1:], population.mass_1, population.mass_2, population.spin_1, population.spin_2
    )
    kept = merger_time + _QUIET_SECONDS
    wave *= _fade(frequency, population.chirp_mass, kept, kept + _FADE_SECONDS)
    plus, cross = antenna_patterns(population.sky)
    cosine = population.sky.cos_inclination[:, None]
    factor = plus * (1 + cosine**2) / 2 - 1j * cross * cosine
    return wave, factor * np.exp(2j * population.phase)[:, None]


def frequency_before_merger(seconds: FloatArray, mass: FloatArray) -> FloatArray:
    """Frequency of the wave some time before the merger at leading order; `mass` is the chirp mass.

    f = (5 / (256 t))^(3/8) (G M / c^3)^(-5/8) / pi, as in Peters 1964 (Phys. Rev. 136, B1224).
    """
    frequency: FloatArray = (5 / (256 * seconds)) ** 0.375 * (mass * SOLAR_MASS_SECONDS) ** -0.625 / np.pi
    return frequency


def _fade(frequency: FloatArray, mass: FloatArray, kept: FloatArray, gone: FloatArray) -> FloatArray:
    """Rise from 0 to 1 between the frequencies that the wave has `gone` and `kept` seconds before the merger."""
    low, high = frequency_before_merger(gone, mass)[:, None], frequency_before_merger(kept, mass)[:, None]
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((frequency - low) / (high - low), 0, 1))


def _highest_frequency(population: Population) -> float:
    """Frequency in Hz where the lightest of the binaries ends; see `phenom_d`."""
    return float(0.2 / ((population.mass_1 + population.mass_2).min() * SOLAR_MASS_SECONDS))


def _ramp(delay: FloatArray, frequency: FloatArray) -> ComplexArray:
    """Phases that delay by `delay` seconds on a uniform grid from 0, as products of coarse and fine steps."""
    block = 64
    step = -2j * np.pi * frequency[1] * delay[:, None]
    fine = np.exp(step * np.arange(block))
    coarse = np.exp(step * block * np.arange(-(-len(frequency) // block)))
    phases: ComplexArray = coarse[:, :, None] * fine[:, None, :]
    return phases.reshape(len(delay), -1)[:, : len(frequency)]
