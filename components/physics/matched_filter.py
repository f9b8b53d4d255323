"""How well anything can find these waves: a matched filter with a bank of templates, and plain excess power.

Works on whitened strain, in which every frequency is equally quiet: matched filtering is then correlation with the
whitened template (Allen et al. 2012, Phys. Rev. D 85, 122006).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.physics.compact_binaries import Population, draw_population, project
from components.physics.detectors import DETECTORS, LIGHT_TRAVEL_TIMES

FloatArray = npt.NDArray[np.float64]
Strain = npt.NDArray[np.float32]

_REFERENCE = 0
"""Detector that the others have to coincide with: Hanford."""


@dataclass(frozen=True, eq=False)
class TemplateBank:
    """Whitened templates, ready to be correlated.

    Attributes
    ----------
    spectra : ndarray of complex64, shape (templates, detectors, frequencies)
        Conjugated Fourier transforms at the frequencies of `numpy.fft.rfftfreq` up to the end of the band, scaled
        so that the squared modulus of the correlation with noise has the mean 2: it is chi-squared of 2 degrees.
    chirp_mass : ndarray, shape (templates,)
        In solar masses.
    samples : int
        Length of the windows.
    sample_rate : float
        In Hz.
    """

    spectra: npt.NDArray[np.complex64]
    chirp_mass: FloatArray
    samples: int
    sample_rate: float


def build_bank(
    templates: int,
    response: FloatArray,
    kept: float,
    samples: int,
    sample_rate: float,
    rng: np.random.Generator,
    masses: tuple[float, float] = (10.0, 80.0),
    maximum_spin: float = 0.9,
) -> TemplateBank:
    """Draw a bank from the space of the injected waves.

    A random bank (Messenger, Prix & Papa 2009, Phys. Rev. D 79, 104017) needs no metric; how dense it is shows in
    the statistic gained by doubling it.

    Parameters
    ----------
    templates : int
        How many.
    response : ndarray, shape (detectors, frequencies)
        By what strain was multiplied to whiten it; 0 outside of the band and for a missing detector.
    kept : float
        Mean square of the pass band: the share of white noise's variance that it leaves.
    samples, sample_rate : int, float
        Of the windows.
    rng : Generator
        Draws masses and spins.
    masses, maximum_spin : (float, float), float
        As for the injections.
    """
    population = draw_population(templates, masses[0], masses[1], maximum_spin, rng)
    bins = 1 << int(np.flatnonzero(response.any(0))[-1]).bit_length()
    frequency: FloatArray = np.asarray(np.fft.rfftfreq(samples, 1 / sample_rate)[:bins])
    response = response[:, : len(frequency)]
    spectra = np.empty((templates, len(response), len(frequency)), dtype=np.complex64)
    for rows in _slices(templates, 256):
        wave, _ = project(_some(population, rows), np.full(rows.stop - rows.start, 1.4), frequency)
        white = wave[:, None] * response
        norm = np.sqrt((np.abs(white) ** 2).sum(-1, keepdims=True))
        spectra[rows] = np.divide(white, norm, out=np.zeros_like(white), where=norm > 0).conj()
    # Whitened noise has the variance 1, so that its transform has the mean square samples / kept within the band.
    spectra *= np.float32(np.sqrt(2 * kept / samples))
    return TemplateBank(spectra, population.chirp_mass, samples, sample_rate)


def network_snr(strain: Strain, bank: TemplateBank, threads: int = 1) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Find the loudest coincident signal-to-noise ratio of each window over all templates, times and phases.

    In each detector the correlation is maximised over the phase; the network's statistic at a time is the root of
    the sum of Hanford's square and of the largest squares of the other detectors within the time that light takes
    to them. No consistency of phases or amplitudes is asked for, so that it is a lower bound of what is possible.

    Parameters
    ----------
    strain : ndarray of float32, shape (n, detectors, samples)
        Whitened; 0 for a missing detector.
    bank : TemplateBank
        Templates.
    threads : int
        For the Fourier transforms.

    Returns
    -------
    statistic : ndarray, shape (n,)
    template : ndarray of int, shape (n,)
        Index of the loudest template.
    """
    best, which = np.zeros(len(strain)), np.zeros(len(strain), dtype=np.int64)
    others = [(index, name) for index, name in enumerate(DETECTORS) if index != _REFERENCE]
    bins = bank.spectra.shape[-1]
    step = bank.samples / bank.sample_rate / bins  # of the series of complex ratios, in seconds
    reach = [int(np.ceil(LIGHT_TRAVEL_TIMES[DETECTORS[_REFERENCE], name] / step)) for _, name in others]
    for rows in _slices(len(strain), 16):
        data = fft.rfft(strain[rows], workers=threads)[..., :bins]
        for template, spectrum in enumerate(bank.spectra):
            square = _square_snr(data * spectrum, threads)
            total = square[:, _REFERENCE].copy()
            for (other, _), steps in zip(others, reach, strict=True):
                total += _loudest_within(square[:, other], steps)
            peak = np.sqrt(total.max(-1))
            better = peak > best[rows]
            best[rows] = np.where(better, peak, best[rows])
            which[rows] = np.where(better, template, which[rows])
    return best, which


def excess_power(
    strain: Strain, sample_rate: float, durations: tuple[float, ...] = (0.016, 0.064, 0.25)
) -> FloatArray:
    """Loudest energy in a short stretch, of all detectors together, in units of what noise scatters by.

    Needs no waveform: what a search for unmodelled bursts would see (Anderson et al. 2001, Phys. Rev. D 63,
    042003), without its tiling of the frequencies.

    Parameters
    ----------
    strain : ndarray of float32, shape (n, detectors, samples)
        Whitened.
    sample_rate : float
        In Hz.
    durations : tuple of float
        Lengths of the stretches in seconds; the loudest counts.
    """
    energy = (strain.astype(np.float64) ** 2).sum(1)
    total = np.concatenate([np.zeros((len(energy), 1)), energy.cumsum(-1)], -1)
    detectors = max(1, int((np.abs(strain).max((0, 2)) > 0).sum()))
    loudest = np.full(len(strain), -np.inf)
    for duration in durations:
        width = max(1, round(duration * sample_rate))
        sums = total[:, width:] - total[:, :-width]
        degrees = detectors * width
        loudest = np.maximum(loudest, (sums.max(-1) - degrees) / np.sqrt(2 * degrees))
    return loudest


def _square_snr(product: npt.NDArray[np.complex64], threads: int) -> npt.NDArray[np.float32]:
    """Squared modulus of the correlation: maximised over the phase, as positive frequencies alone are summed."""
    bins = product.shape[-1]
    series = fft.ifft(product, workers=threads, overwrite_x=True)
    return np.asarray((series.real**2 + series.imag**2) * np.float32(bins) ** 2)


def _loudest_within(values: npt.NDArray[np.float32], steps: int) -> npt.NDArray[np.float32]:
    """Largest value within so many steps to either side, around the ends of the (tapered) window."""
    length, width = values.shape[-1], 2 * steps + 1
    result = np.concatenate([values[:, -steps:], values, values[:, :steps]], -1)
    reached = 1
    while reached < width:  # the maximum of two shifted maxima reaches as far as both
        step = min(reached, width - reached)
        result = np.maximum(result[:, :-step], result[:, step:])
        reached += step
    return result[:, :length]


def _slices(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _some(population: Population, rows: slice) -> Population:
    return population[np.arange(rows.start, rows.stop)]
