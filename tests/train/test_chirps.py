"""The network whose first kernels are as long as waves last."""

import numpy as np
import pytest
import torch
from scipy import signal
from torch import Tensor, nn

from components.common.errors import ParameterError
from components.physics.chirps import leading_order_chirps
from components.train.conv1d.chirps import ChirpNetwork, chirp_kernels, count_bins
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.envelopes import POOL, Envelopes
from components.train.conv1d.inference import Conv1dModel
from components.train.conv1d.network import Architecture

RATE, SAMPLES = 2048.0, 1024
BINS = 256


def _banded(rows: int, seed: int) -> np.ndarray:
    """Noise below 500 Hz, tapered, so that going around its ends changes nothing near the middle."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=(rows, SAMPLES)))
    spectrum[:, BINS:] = 0
    spectrum[:, 0] = 0
    return np.fft.irfft(spectrum)


def test_envelopes_are_those_of_the_correlation_with_each_kernel() -> None:
    """Against scipy: correlate around the ends, take the analytic signal, square, and keep the loudest."""
    torch.manual_seed(0)
    layer = Envelopes(3, 200, BINS).double()
    strain = _banded(2, 1)
    found = layer(torch.from_numpy(strain)[:, None]).detach().numpy()
    assert found.shape == (2, 3, BINS // POOL)
    kernels = layer.weight.detach().numpy() / np.sqrt(200)
    for row, values in enumerate(strain):
        for number, kernel in enumerate(kernels):
            response = np.array([np.dot(kernel, np.roll(values, -at)[:200]) for at in range(SAMPLES)])
            square = np.abs(signal.hilbert(response)) ** 2
            coarse = square[:: SAMPLES // BINS].reshape(-1, POOL).max(-1)
            np.testing.assert_allclose(found[row, number], coarse, rtol=1e-9)


def test_gradients_are_those_of_the_same_steps_by_autograd() -> None:
    torch.manual_seed(1)
    layer = Envelopes(4, 100, 64).double()
    strain = torch.randn(5, 1, 256, dtype=torch.float64, requires_grad=True)
    weigh = torch.randn(5, 4, 8, dtype=torch.float64)

    def plain(data: Tensor, weight: Tensor) -> Tensor:
        spectra = torch.fft.rfft(weight / 10, 256)[:, :64].conj() * (2 / 256)
        response = torch.fft.ifft(torch.fft.rfft(data[:, 0])[:, None, :64] * spectra, norm="forward")
        return response.abs().square().unflatten(-1, (-1, POOL)).amax(-1)

    wanted = torch.autograd.grad((plain(strain, layer.weight) * weigh).sum(), [strain, layer.weight])
    found = torch.autograd.grad((layer(strain) * weigh).sum(), [strain, layer.weight])
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_parts_of_a_batch_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    layer = Envelopes(4, 100, 64).double()
    strain = torch.randn(7, 1, 256, dtype=torch.float64)
    results = []
    for size in (1, 1 << 30):
        monkeypatch.setattr("components.train.conv1d.envelopes._PART_BYTES", size)
        layer.zero_grad()
        loudest = layer(strain)
        loudest.sum().backward()
        results.append((loudest.detach(), layer.weight.grad.clone()))  # type: ignore[union-attr]
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="multiple of 8"):
        Envelopes(4, 100, 60)
    with pytest.raises(ParameterError, match="Give shorter kernels"):
        Envelopes(4, 300, 64)(torch.zeros(1, 1, 256))
    with pytest.raises(ParameterError, match="longer than the 256"):
        ChirpNetwork(256, 3, [300, 3, 3], [4, 4, 4], 2, [[0, 1], [2]], 64, 0.0)


def test_chirps_rise_as_binaries_do() -> None:
    """The instantaneous frequency of a chirp follows the leading order, t seconds before it merges."""
    frequency = np.fft.rfftfreq(16384, 1 / RATE)
    chirp = leading_order_chirps(np.array([12.0]), frequency) * (frequency > 15)  # lower ones wrap around
    (wave,) = np.fft.ifft(np.concatenate([chirp, np.zeros((1, 8191))], 1))
    before = np.unwrap(np.angle(wave[::-1]))  # index k: k + 1 samples before the merger
    for seconds in (0.3, 0.6, 1.0):
        at = round(seconds * RATE)
        found = -(before[at + 10] - before[at - 10]) / 20 * RATE / (2 * np.pi)
        wanted = (5 / (256 * seconds)) ** 0.375 * (12.0 * 4.925490947e-6) ** -0.625 / np.pi
        assert found == pytest.approx(wanted, rel=0.04)  # the cut at 15 Hz rings


def test_kernels_end_just_after_the_merger() -> None:
    response = np.where(np.arange(SAMPLES + 1) > 20, 1.0, 0.0)
    kernels = chirp_kernels(6, 1024, response, RATE)
    assert kernels.shape == (6, 1024)
    np.testing.assert_allclose((kernels**2).mean(-1), 1)
    smooth = signal.convolve(kernels**2, np.ones((1, 32)), mode="same")
    assert np.all(np.abs(smooth.argmax(-1) - (1024 - 64)) < 48), "a chirp is loudest where it ends"
    assert np.all((kernels[:, :64] ** 2).mean(-1) < 0.02), "kernels begin softly"


def test_bins_reach_the_end_of_the_band_and_no_further_than_nyquist() -> None:
    for high in (300.0, 500.0, 777.0):
        bins = count_bins(4096, RATE, high)
        assert bins % POOL == 0
        assert high * 2 < bins < high * 2 * 1.1
    assert count_bins(4096, RATE, 1024.0) == 2048


def _network() -> ChirpNetwork:
    torch.manual_seed(3)
    network = ChirpNetwork(SAMPLES, 3, [512, 3, 3], [6, 8, 10], 2, [[0, 1], [2]], BINS, 0.0)
    network.begin(np.stack([np.ones(513), np.ones(513), np.zeros(513)]), RATE)
    return network.eval()


def test_detectors_of_one_design_share_kernels_and_a_missing_one_has_chirps_too() -> None:
    network = _network()
    assert sum(isinstance(module, Envelopes) for module in network.modules()) == 2
    strain = torch.from_numpy(_banded(3, 4)).float()[None]
    exchanged = strain[:, [1, 0, 2]]
    seen, other = network._branch(strain), network._branch(exchanged)
    torch.testing.assert_close(seen[0], other[1])
    assert all(torch.isfinite(part).all() for part in seen)


def test_contributions_of_detectors_add_up() -> None:
    network = _network()
    strain = torch.from_numpy(_banded(3, 5)).float()[None].repeat(4, 1, 1)
    with torch.no_grad():
        total = sum(network.contribution(strain[:, detector], detector) for detector in range(3))
        assert isinstance(total, Tensor)
        torch.testing.assert_close(network.from_contributions(total), network(strain))


def test_a_glitch_beyond_half_precision_is_still_ranked() -> None:
    plan = Architecture(
        "chirps",
        SAMPLES,
        3,
        [512, 3, 3],
        [6, 8, 10],
        2,
        {"groups": [[0, 1], [2]], "bins": BINS, "dropout": 0.0},
        "strain",
    )
    answer = ClassAnswer(("noise", "signal"), (1.0, 1.0))
    model = Conv1dModel(_network(), plan, answer, {}, {"settings": {"precision": "float32"}})
    strain = np.repeat(_banded(3, 7).astype(np.float32)[None], 2, 0)
    strain[1] *= 1e4
    parts = [model.contribution(strain[:, detector], detector) for detector in range(3)]
    found = model.outputs_from(*parts)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], model.outputs(strain)[0], atol=1e-2)


def test_it_learns_a_wave_that_lasts() -> None:
    """A wave far below the noise of every sample, of any phase and time: found by its length alone."""
    torch.manual_seed(6)
    kernels = torch.from_numpy(chirp_kernels(1, 512, np.ones(SAMPLES + 1), RATE)).float()

    def draw(rows: int) -> tuple[Tensor, Tensor]:
        truth = torch.randint(0, 2, (rows,))
        noise = torch.from_numpy(_banded(3 * rows, int(torch.randint(1 << 30, (1,))))).float().view(rows, 3, -1)
        wave = torch.zeros(rows, SAMPLES)
        wave[:, 200:712] = kernels
        late = torch.stack([torch.roll(row, int(torch.randint(200, (1,)))) for row in wave])
        return noise + 0.35 * late[:, None] * truth[:, None, None], truth

    network = _network().train()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    for _ in range(12):
        strain, truth = draw(32)
        loss = nn.functional.cross_entropy(network(strain), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    strain, truth = draw(128)
    with torch.no_grad():
        right = (network.eval()(strain).argmax(1) == truth).float().mean()
    assert right > 0.8
