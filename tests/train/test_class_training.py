"""The train stage on classes: of spectra and of strain, with the same loop and the same folder."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from components.common.errors import ArmillaryError, InputError
from components.common.files import read_json
from components.common.provenance import Provenance
from components.common.tables import column, read_table, tensor_column, write_table
from components.preprocess.strain.whitening import Whitening
from components.train.conv1d.attribution import integrated_gradients
from components.train.conv1d.chirps import ChirpNetwork
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.inference import load_model
from components.train.conv1d.inputs import vary_strain
from components.train.conv1d.strided import StridedNetwork, wavelets
from components.train.conv1d.training import Settings, train

PIXELS = 128
GRID = {"first_pixel": 35522, "fine_pixels": 16 * PIXELS, "bin_pixels": 16}
SETTINGS = Settings(
    "label", "strided", [112, 80, 80], [6, 8, 12], epochs=5, batch_size=32, learning_rate=1e-2, seed=3
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, so that equal means equal."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _splits(rows: int) -> np.ndarray:
    return np.array(["train"] * (rows - 120) + ["validation"] * 60 + ["test"] * 60, dtype=object)


def _write(folder: Path, labels: np.ndarray, data: dict[str, np.ndarray], settings: dict[str, object]) -> Path:
    fields = [
        column("id", "string", ""),
        column("label", "string", ""),
        column("split", "string", ""),
        *(tensor_column(name, values.shape[1:], "") for name, values in data.items()),
    ]
    rows = {"id": np.array([str(i) for i in range(len(labels))], dtype=object), "label": labels}
    columns = {**rows, "split": _splits(len(labels)), **data}
    write_table(folder / "dataset.parquet", fields, columns, Provenance("simulated", "a test"), settings)
    return folder


def _spectra(folder: Path, rows: int = 1500) -> Path:
    """Noise, and in half of the rows a broad line somewhere."""
    rng = np.random.default_rng(1)
    labels = np.where(rng.random(rows) < 0.4, "QSO", "GALAXY").astype(object)
    flux = rng.standard_normal((rows, PIXELS)).astype(np.float32)
    place = rng.integers(20, PIXELS - 20, rows)
    line = 5 * np.exp(-0.5 * ((np.arange(PIXELS) - place[:, None]) / 4.0) ** 2)
    flux += np.where(labels == "QSO", 1.0, 0.0)[:, None].astype(np.float32) * line.astype(np.float32)
    data = {"flux": flux, "ivar": np.ones_like(flux)}
    return _write(folder, labels, data, {"grid": GRID, "classes": ["QSO", "GALAXY"]})


@pytest.fixture(scope="module")
def spectra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _spectra(tmp_path_factory.mktemp("spectra"))


@pytest.fixture(scope="module")
def trained(spectra: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("trained") / "model"
    train(spectra, model, SETTINGS)
    return model


def _accuracy(dataset: Path, model: Path, *names: str) -> float:
    network = load_model(model)
    rows = read_table(dataset / "dataset.parquet", [*names, "label"], "test")
    probability = network.predict(*(rows[name] for name in names))
    assert probability.shape == (60, 2)
    return float((np.array(network.classes)[probability.argmax(axis=1)] == rows["label"]).mean())


def test_spectra_are_told_apart_by_a_line_wherever_it_is(spectra: Path, trained: Path) -> None:
    assert _accuracy(spectra, trained, "flux", "ivar") > 0.9
    stored = read_json(trained / "model.json")
    assert (stored["kind"], stored["target"], stored["data"]) == ("conv1d", "label", "spectra")
    answer = load_model(trained).answer
    assert isinstance(answer, ClassAnswer)
    assert answer.classes == ("QSO", "GALAXY")
    assert answer.weights[0] > answer.weights[1], "quasars are fewer here"
    assert answer.temperature != 1.0


def test_the_papers_network_learns_classes_too(spectra: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, architecture="paper", kernels=[160, 100, 60], learning_rate=3e-3)
    train(spectra, tmp_path / "model", settings)
    assert _accuracy(spectra, tmp_path / "model", "flux", "ivar") > 0.8


def test_gradients_point_at_the_line_and_add_up_to_the_difference_that_it_makes(
    spectra: Path, trained: Path
) -> None:
    model = load_model(trained)
    rows = read_table(spectra / "dataset.parquet", ["flux", "ivar", "label"], "test")
    quasars = rows["label"] == "QSO"
    flux, ivar = rows["flux"][quasars], rows["ivar"][quasars]
    found = integrated_gradients(model, 0, flux, ivar, steps=128)
    score = [o[:, 0] - o[:, 1] for o in (model.outputs(flux, ivar), model.outputs(np.zeros_like(flux), ivar))]
    np.testing.assert_allclose(found.sum(axis=1), score[0] - score[1], atol=0.05 * np.abs(score[0]).max())
    brightest = np.argsort(flux, axis=1)[:, -8:]
    share = np.take_along_axis(found, brightest, 1).sum(axis=1) / found.sum(axis=1)
    assert np.median(share) > 0.5, "eight pixels of 128, which hold the line"


def _strain(folder: Path, rows: int = 600) -> Path:
    """Noise in three detectors, and in half of the rows a burst in all of them."""
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(rows) < 0.5, "signal", "noise").astype(object)
    strain = rng.standard_normal((rows, 3, 256)).astype(np.float32)
    burst = 2.5 * np.sin(np.arange(48) / 2.0) * np.hanning(48)
    for row in np.flatnonzero(labels == "signal"):
        start = rng.integers(10, 190)
        strain[row, :, start : start + 48] += (burst * rng.choice([-1, 1])).astype(np.float32)
    whitening = Whitening(np.ones((3, 129)), 256, 2048.0).to_settings()
    settings = {"classes": ["noise", "signal"], "detectors": ["H1", "L1", "V1"], **whitening}
    return _write(folder, labels, {"strain": strain}, settings)


def test_strain_is_learnt_by_the_same_stage_with_shared_weights_of_like_detectors(tmp_path: Path) -> None:
    dataset = _strain(tmp_path / "strain")
    settings = dataclasses.replace(SETTINGS, kernels=[24, 16, 8], epochs=6)
    train(dataset, tmp_path / "model", settings)
    model = load_model(tmp_path / "model")
    assert model.input_kind.data == "strain"
    assert model.classes == ("noise", "signal")
    assert isinstance(model.network, StridedNetwork)
    assert model.network.groups == [[0, 1], [2]]
    assert len(model.network.branches) == 2
    assert _accuracy(dataset, tmp_path / "model", "strain") > 0.75
    with pytest.raises(InputError, match="windows of strain have 100 pixels"):
        model.predict(np.zeros((1, 3, 100), np.float32))


def test_long_kernels_learn_strain_by_the_same_stage(tmp_path: Path) -> None:
    dataset = _strain(tmp_path / "strain")
    train(dataset, tmp_path / "model", dataclasses.replace(SETTINGS, architecture="chirps", kernels=[96, 3, 3]))
    model = load_model(tmp_path / "model")
    assert isinstance(model.network, ChirpNetwork)
    assert model.network.groups == [[0, 1], [2]]
    assert model.is_separable
    assert _accuracy(dataset, tmp_path / "model", "strain") > 0.75


def test_long_kernels_are_for_strain_alone(tmp_path: Path) -> None:
    data = {"flux": np.ones((300, PIXELS), np.float32), "ivar": np.ones((300, PIXELS), np.float32)}
    labels = np.array(["QSO", "GALAXY"] * 150, dtype=object)
    dataset = _write(tmp_path / "spectra", labels, data, {"grid": GRID, "classes": ["QSO", "GALAXY"]})
    with pytest.raises(InputError, match="chirps strain only"):
        train(dataset, tmp_path / "model", dataclasses.replace(SETTINGS, architecture="chirps"))


def test_windows_are_varied_into_others_that_are_as_much_noise_or_wave() -> None:
    torch.manual_seed(4)
    strain = torch.arange(1.0, 2049) * torch.arange(1.0, 201)[:, None, None] * torch.ones(200, 3, 2048)
    truth = torch.arange(200) % 2
    varied = vary_strain(strain, truth)
    shift = int((varied[1, 0].abs().argmin() - strain[1, 0].argmin()) % 2048)
    size = torch.roll(varied.abs(), -shift, -1)
    lost = varied[:, 2].abs().amax(-1) == 0
    assert 5 < lost.sum() < 40, "some windows lose Virgo, few"
    assert torch.equal(size[truth == 1][:, :2], strain[truth == 1][:, :2]), "waves stay together, at one time"
    assert torch.equal(size[(truth == 1) & ~lost], strain[(truth == 1) & ~lost])
    noise = size[truth == 0]
    assert not torch.equal(noise[:, 0], noise[:, 1]), "noise of one detector is joined with another's"
    for detector in (0, 1):
        assert torch.equal(noise[:, detector, 0].sort().values, strain[truth == 0][:, detector, 0])
    signs = varied[truth == 1][:, :2].sign().amax(-1)
    assert (signs[:, 0] * signs[:, 1]).mean().abs() < 0.4
    assert strain.min() == 1, "the data are left as they are"


def test_first_kernels_of_strain_are_waves_of_all_lengths() -> None:
    kernels = wavelets(16, 64)
    assert kernels.shape == (16, 64)
    drawn = torch.nn.Conv1d(1, 400, 64).weight[:, 0].norm(dim=1).mean()
    torch.testing.assert_close(kernels.norm(dim=1), drawn.expand(16), rtol=0.05, atol=0)
    peaks = torch.fft.rfft(kernels, 4096).abs().argmax(1)
    assert torch.all(peaks[::2][1:] > peaks[::2][:-1]), "every pair higher than the one before"
    assert peaks[-1] == pytest.approx(4096 / 6, rel=0.05)
    cosine, sine = kernels[::2], kernels[1::2]
    torch.testing.assert_close((cosine * sine).sum(1), torch.zeros(8), atol=1e-5, rtol=0)
    assert wavelets(5, 32).shape == (5, 32)


def test_contributions_of_the_detectors_add_up_to_the_network() -> None:
    torch.manual_seed(5)
    network = StridedNetwork(1024, 3, [32, 16, 8], [4, 6, 8], 2, [[0, 1], [2]], [4, 2, 2, 2], 0.1).eval()
    strain = torch.randn(7, 3, 1024)
    with torch.no_grad():
        total = torch.stack([network.contribution(strain[:, channel], channel) for channel in range(3)]).sum(0)
        torch.testing.assert_close(network.from_contributions(total), network(strain))


def test_missing_and_unknown_classes_are_told(tmp_path: Path) -> None:
    data = {"flux": np.ones((300, PIXELS), np.float32), "ivar": np.ones((300, PIXELS), np.float32)}
    labels = np.array(["QSO", "GALAXY"] * 150, dtype=object)
    splits = _splits(300)
    cases = (
        (np.full(300, "QSO", dtype=object), ["QSO", "GALAXY"], "No training row is a GALAXY"),
        (np.where(splits == "validation", "QSO", labels), ["QSO", "GALAXY"], "No validation row is a GALAXY"),
        (labels, ["QSO", "STAR"], "labelled GALAXY, which is none of the classes"),
        (labels, ["QSO"], "nothing to tell apart"),
    )
    for number, (given, classes, message) in enumerate(cases):
        folder = _write(tmp_path / str(number), given, data, {"grid": GRID, "classes": classes})
        with pytest.raises(ArmillaryError, match=message):
            train(folder, folder / "model", SETTINGS)
        assert not (folder / "model").exists()
