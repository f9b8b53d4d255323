"""Waves drawn as the settings want them, added to windows of noise."""

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.ingest.gw_strain.schema import NOISE, SAMPLE_RATE_HZ, SAMPLES, SIGNAL, UNKNOWN
from components.ingest.gw_strain.settings import Settings
from components.physics.compact_binaries import Signals, draw_population, simulate_signals
from components.physics.detectors import DETECTORS

FloatArray = npt.NDArray[np.float64]

_LOWEST_SNR = 1.0


def draw_snr(count: int, settings: Settings, rng: np.random.Generator) -> FloatArray:
    """Draw signal-to-noise ratios of the network: normal for one detector, never below 1, times the root of 3."""
    alone = np.maximum(rng.normal(settings.snr_mean, settings.snr_spread, count), _LOWEST_SNR)
    return np.asarray(np.sqrt(len(DETECTORS)) * alone)


def inject(
    noise: FloatArray,
    psd: FloatArray,
    names: npt.NDArray[np.object_],
    settings: Settings,
    rng: np.random.Generator,
) -> Columns:
    """Add waves to a share of the windows.

    Parameters
    ----------
    noise : ndarray, shape (n, detectors, samples)
        Changed in place. NaN in a detector stays.
    psd : ndarray, shape (detectors, samples + 1)
        Noise density at the frequencies of `compact_binaries.signal_frequencies`; infinite for a missing detector,
        which then adds nothing to a signal's loudness.
    names : ndarray of str, shape (n,)
        Of the windows; a wave is named after its own.
    settings : Settings
        What to inject.
    rng : Generator
        Draws as many numbers whatever the share is, so that the waves stay when it changes.

    Returns
    -------
    dict of str to ndarray
        Label, wave and its parameters, and the strain.
    """
    count = len(noise)
    population = draw_population(count, settings.minimum_mass, settings.maximum_mass, settings.maximum_spin, rng)
    merger = rng.uniform(settings.earliest_merger, settings.latest_merger, count)
    snr = draw_snr(count, settings, rng)
    has_wave = rng.uniform(size=count) < settings.signal_fraction
    columns: Columns = {name: np.full(count, np.nan) for name in UNKNOWN if name != "gps_start"}
    columns["label"] = np.where(has_wave, SIGNAL, NOISE).astype(object)
    columns["waveform_id"] = np.where(has_wave, [f"wave-{name}" for name in names], "").astype(object)
    columns["strain"] = noise
    for name in ("snr_network", *_snr_columns()):
        columns[name][:] = 0.0
    rows = np.flatnonzero(has_wave)
    if rows.size:
        chosen = population[rows]
        made = simulate_signals(chosen, merger[rows], snr[rows], psd, SAMPLES, SAMPLE_RATE_HZ)
        noise[rows] += made.strain
        _describe(columns, rows, chosen.columns(), made, snr[rows], merger[rows])
    return columns


def _describe(
    columns: Columns,
    rows: npt.NDArray[np.intp],
    parameters: dict[str, FloatArray],
    made: Signals,
    snr: FloatArray,
    merger: FloatArray,
) -> None:
    for index, name in enumerate(_snr_columns()):
        columns[name][rows] = made.snr[:, index]
    parameters = {**parameters, "snr_network": snr, "merger_time": merger, "distance": made.distance_mpc}
    for name, values in parameters.items():
        columns[name][rows] = values


def _snr_columns() -> list[str]:
    return [f"snr_{name.lower()}" for name in DETECTORS]
