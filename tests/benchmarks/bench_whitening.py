"""Whitening windows, beside gwpy's on the same windows."""

import numpy as np
import numpy.typing as npt
import pytest

from components.physics.detector_noise import design_psd, draw_noise
from components.preprocess.strain.whitening import Whitening

RATE, SAMPLES, WINDOWS = 2048.0, 4096, 64


def test_whitening_beside_gwpy(ratio) -> None:
    """The same density for both; gwpy truncates its filter to the window, so that they agree in the middle."""
    timeseries = pytest.importorskip("gwpy.timeseries")
    frequencyseries = pytest.importorskip("gwpy.frequencyseries")
    psd = design_psd(np.fft.rfftfreq(8 * SAMPLES, 1 / RATE))
    long = draw_noise(WINDOWS // 8, 8 * SAMPLES, RATE, psd, np.random.default_rng(0))
    cut = long.reshape(WINDOWS // 8, 3, 8, SAMPLES).swapaxes(1, 2)
    strain = np.ascontiguousarray(cut).reshape(WINDOWS, 3, SAMPLES)
    density = design_psd(np.fft.rfftfreq(SAMPLES, 1 / RATE))
    whitening = Whitening(density, SAMPLES, RATE)
    curves = [frequencyseries.FrequencySeries(np.sqrt(row), df=RATE / SAMPLES) for row in density]

    def peer() -> npt.NDArray[np.float64]:
        return np.stack(
            [
                [
                    timeseries.TimeSeries(channel, sample_rate=RATE)
                    .whiten(asd=curve, fduration=1, highpass=20)
                    .bandpass(20, 500)
                    .value
                    for channel, curve in zip(window, curves, strict=True)
                ]
                for window in strain
            ]
        )

    def agree(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float64]) -> bool:
        middle = slice(SAMPLES // 2 - 512, SAMPLES // 2 + 512)
        pairs = zip(ours[..., middle].reshape(-1, 1024), theirs[..., middle].reshape(-1, 1024), strict=True)
        return bool(np.median([np.corrcoef(a, b)[0, 1] for a, b in pairs]) > 0.9)

    ratio(
        "whitening of 64 windows of three detectors",
        ours=lambda: whitening.apply(strain),
        peer=peer,
        peer_name="gwpy TimeSeries.whiten and bandpass",
        goal=5.0,
        agree=agree,
    )
