"""The embedded default: Gaussian noise of the detectors' designs, with waves of merging black holes in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import numpy as np

from components.common.provenance import Provenance, code_version
from components.common.tables import Columns
from components.common.threads import map_ahead
from components.ingest.dataset import Source
from components.ingest.gw_strain.injections import inject
from components.ingest.gw_strain.schema import SAMPLE_RATE_HZ, SAMPLES, complete
from components.ingest.gw_strain.settings import Settings
from components.ingest.gw_strain.source import WINDOWS_PER_BATCH
from components.physics.compact_binaries import signal_frequencies
from components.physics.detector_noise import design_psd, draw_noise
from components.physics.detectors import DETECTORS

WINDOWS_PER_SEGMENT = 8
"""Windows are cut from segments of 16 s, so that they begin and end as noise does, and are no periods of it."""


def open_simulator(settings: Settings) -> Source:
    """Describe what will be simulated, and begin when the first batch is asked for."""
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's simulator of gravitational waves",
        query=f"{settings.rows} windows of 2 s, {settings.signal_fraction:.0%} with a wave; masses "
        f"{settings.minimum_mass:g} to {settings.maximum_mass:g}, aligned spins up to {settings.maximum_spin:g}; "
        f"signal-to-noise ratio a detector {settings.snr_mean:g} +- {settings.snr_spread:g}",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            "Waves: IMRPhenomD. Noise: stationary and Gaussian, of the designs of Advanced LIGO (T1800044) "
            "and Advanced Virgo (P1200087). Real detectors have glitches and lines that wander: what a model "
            "scores here is no measure of how it does on them.",
        ),
    )
    mine = settings.part.rows(settings.rows, WINDOWS_PER_BATCH)
    return Source(provenance, len(mine), _simulate(settings, mine))


def _simulate(settings: Settings, mine: range) -> Iterator[Columns]:
    """Yield batches in order. Each has its own seed: threads change nothing."""
    batches = range(mine.start // WINDOWS_PER_BATCH, -(-mine.stop // WINDOWS_PER_BATCH))
    return map_ahead(partial(_batch, settings=settings), batches)


def _batch(index: int, settings: Settings) -> Columns:
    """Simulate one batch: always a whole one, so that the first rows of a long run are those of a short one."""
    rng = np.random.default_rng((settings.seed % 2**64, index))  # numpy refuses negative seeds
    start = index * WINDOWS_PER_BATCH
    segments = WINDOWS_PER_BATCH // WINDOWS_PER_SEGMENT
    length = WINDOWS_PER_SEGMENT * SAMPLES
    psd = design_psd(signal_frequencies(length // 2, SAMPLE_RATE_HZ))
    noise = draw_noise(segments, length, SAMPLE_RATE_HZ, psd, rng)
    cut = noise.reshape(segments, len(DETECTORS), WINDOWS_PER_SEGMENT, SAMPLES).swapaxes(1, 2)
    windows = np.ascontiguousarray(cut).reshape(WINDOWS_PER_BATCH, len(DETECTORS), SAMPLES)
    rows = start + np.arange(WINDOWS_PER_BATCH)
    names = np.array([f"sim-{settings.seed}-{row:07d}" for row in rows], dtype=object)
    waves = inject(windows, design_psd(signal_frequencies(SAMPLES, SAMPLE_RATE_HZ)), names, settings, rng)
    segment = [f"sim-{settings.seed}-{row // WINDOWS_PER_SEGMENT:06d}" for row in rows]
    columns = complete({"id": names, "segment_id": np.array(segment, dtype=object), **waves})
    return {name: values[: settings.rows - start] for name, values in columns.items()}
