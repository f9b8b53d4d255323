"""The search: GW150914 in the real files, injections in noise, and the honesty of its false-alarm rates.

The model here is a matched filter, so that what the search does is tested apart from what a network has learnt.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from components.common.errors import InputError, ParameterError
from components.common.tables import read_provenance, read_table
from components.physics.detector_noise import design_psd
from components.physics.matched_filter import build_bank, excess_power, network_snr
from components.predict.strain.prediction import Settings, find_inputs, predict, search_files
from components.predict.strain.ranking import LogOdds, SeparableLogOdds, rank_by
from components.predict.strain.search import Settings as SearchSettings
from components.predict.strain.search import search
from components.predict.strain.stretch import Stretch, read_stretch
from components.preprocess.strain.whitening import Whitening
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.inference import Conv1dModel
from components.train.conv1d.network import Architecture

RATE, SAMPLES = 2048.0, 4096
WHITENING = Whitening(design_psd(np.fft.rfftfreq(SAMPLES, 1 / RATE)), SAMPLES, RATE)
H1, L1 = "H-H1_LOSC_4_V2-1126259446-32.hdf5", "L-L1_LOSC_4_V2-1126259446-32.hdf5"
GW150914 = 1126259462.42
"""At the detectors, in GPS seconds (Abbott et al. 2016)."""


class MatchedFilter:
    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.bank = build_bank(60, WHITENING.response, WHITENING.kept, SAMPLES, RATE, rng)

    def predict(self, strain: np.ndarray) -> np.ndarray:
        assert strain.dtype == np.float32
        assert strain.shape[1:] == (3, SAMPLES)
        return network_snr(strain, self.bank)[0]


class Power:
    def predict(self, strain: np.ndarray) -> np.ndarray:
        return excess_power(strain, RATE)


def _stretch(seconds: float = 64, seed: int = 0, detectors: int = 2) -> Stretch:
    rng = np.random.default_rng(seed)
    good = np.zeros((3, round(seconds * RATE)), dtype=bool)
    good[:detectors] = True
    white = rng.normal(size=good.shape).astype(np.float32) * good
    return Stretch(1000.0, RATE, white, good)


def _search(stretch: Stretch, **settings: Any):
    return search(stretch, Power(), SearchSettings(**settings), SAMPLES, 0.15)


def _copy(source: Path, target: Path, **changes: Any) -> Path:
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "r+") as file:
        for name, value in changes.items():
            file[name.replace("__", "/")][...] = value
    return target


def test_gw150914_is_the_loudest_of_its_32_seconds(real_data: Path, tmp_path: Path) -> None:
    files = [real_data / "gw" / H1, real_data / "gw" / L1]
    settings = Settings(csv=True, plots=True)
    found = search_files(files, MatchedFilter(), WHITENING, tmp_path, settings, "matched filter")
    assert abs(found.gps[0] - GW150914) < 0.05
    # Published: 24 with a template of its own in a better-known noise; everything else in these 32 s is noise.
    assert 19 < found.statistic[0] < 26
    assert found.statistic[1] < 8
    assert found.louder[0] == 0
    assert np.all(found.louder[1:] > 0)
    assert np.all(np.diff(found.false_alarms_per_day) >= 0)
    table = read_table(tmp_path / "predictions.parquet")
    assert table["rank"].tolist() == list(range(1, 1 + len(found.gps)))
    assert set(table["detectors"]) == {"H1 L1"}
    assert read_provenance(tmp_path / "predictions.parquet").origin == "real"
    written = pd.read_csv(tmp_path / "predictions.csv")
    assert list(written.columns) == list(table)
    np.testing.assert_allclose(written["gps"], found.gps, rtol=0, atol=1e-5)
    drawn = sorted((tmp_path / "plots").glob("*.svg"))
    assert len(drawn) == len(found.gps) >= 9
    assert "GPS 1126259462.4" in drawn[0].read_text()
    assert "times the mean energy of noise" in drawn[0].read_text()


def test_a_classifier_ranks_by_its_log_odds() -> None:
    class Classifier:
        classes = ("noise", "signal")
        preprocess_settings: dict[str, Any] = {}  # noqa: RUF012
        is_separable = False

        def outputs(self, strain: np.ndarray) -> np.ndarray:
            odds = strain[:, 0, 0]
            return np.stack([-np.logaddexp(0, odds), odds - np.logaddexp(0, odds)], 1)

    odds = np.array([-40.0, 0.0, 17.0, 60.0], dtype=np.float32)
    strain = np.zeros((4, 3, SAMPLES), dtype=np.float32)
    strain[:, 0, 0] = odds
    np.testing.assert_allclose(rank_by(Classifier()).predict(strain), odds, rtol=1e-5)


def _network() -> Conv1dModel:
    """A network as it is before any training."""
    options = {"groups": [[0, 1], [2]], "strides": [4, 2, 2, 2], "dropout": 0.0}
    plan = Architecture("strided", SAMPLES, 3, [32, 16, 8], [4, 4, 8], 2, options, "strain")
    torch.manual_seed(2)
    answer = ClassAnswer(("noise", "signal"), (1.0, 1.0))
    return Conv1dModel(plan.build().eval(), plan, answer, {}, {"settings": {"precision": "float32"}})


@pytest.mark.parametrize("detectors", [2, 3])
def test_looking_at_each_detector_once_finds_the_same(detectors: int) -> None:
    stretch = _stretch(40, seed=8, detectors=detectors)
    stretch.good[1, round(20 * RATE) : round(22 * RATE)] = False
    network = _network()
    ranking = rank_by(network)
    assert isinstance(ranking, SeparableLogOdds)
    settings = SearchSettings(minimum_detectors=1)
    once, anew = (search(stretch, model, settings, SAMPLES, 0.15) for model in (ranking, LogOdds(network)))
    np.testing.assert_allclose(once.statistic, anew.statistic, atol=1e-3)  # kept in half precision
    assert once.background_seconds == anew.background_seconds
    assert set(np.round(once.gps[:5], 2)) & set(np.round(anew.gps[:5], 2))


def test_inputs_are_files_or_their_folder(real_data: Path, tmp_path: Path) -> None:
    assert [path.name for path in find_inputs(real_data / "gw")] == [H1, L1]
    assert find_inputs([real_data / "gw" / L1]) == [real_data / "gw" / L1]
    with pytest.raises(InputError, match="no strain to search"):
        find_inputs(tmp_path)


def test_real_strain_is_white_and_of_unit_variance(real_data: Path) -> None:
    stretch = read_stretch([real_data / "gw" / L1, real_data / "gw" / H1], WHITENING)
    assert stretch.detectors == ["H1", "L1"]
    assert stretch.gps_start == 1126259446
    quiet = stretch.white[:2, 4096 : 14 * 2048]
    np.testing.assert_allclose(quiet.std(1), 1, atol=0.05)
    assert np.all(stretch.white[2] == 0)


def test_a_gap_is_no_candidate_and_spoils_nothing_around_it(real_data: Path, tmp_path: Path) -> None:
    """Samples are missing in one detector, whose raw strain is a thousand times as loud as what is looked for."""
    with h5py.File(real_data / "gw" / H1) as file:
        strain = file["strain/Strain"][:]
    strain[10 * 4096 : 11 * 4096] = np.nan
    gap = _copy(real_data / "gw" / H1, tmp_path / H1, strain__Strain=strain)
    whole, stretch = (
        read_stretch([path, real_data / "gw" / L1], WHITENING) for path in (real_data / "gw" / H1, gap)
    )
    rate = round(RATE)
    assert not stretch.good[0, round(9.6 * rate) : round(11.4 * rate)].any()
    assert not stretch.good[0, : rate // 2].any(), "nor is the very beginning searched"
    assert stretch.good[0, rate : 9 * rate].all()
    assert stretch.good[0, 12 * rate : 31 * rate].all()
    far = np.r_[rate : 9 * rate, 12 * rate : 31 * rate]
    assert (stretch.white[0, far] - whole.white[0, far]).std() < 0.3
    found = search_files([gap, real_data / "gw" / L1], MatchedFilter(), WHITENING, tmp_path / "out", Settings())
    assert abs(found.gps[0] - GW150914) < 0.05
    assert found.statistic[1] < 8


def test_candidates_are_apart_and_ranked() -> None:
    stretch = _stretch()
    rng = np.random.default_rng(5)
    for second, loudness in ((10, 3.0), (30, 4.0), (31, 2.5), (50, 2.0)):
        first = round(second * RATE)
        stretch.white[:2, first : first + 200] += loudness * rng.normal(size=200).astype(np.float32)
    found = _search(stretch, separation_seconds=2.0, slides=0)
    assert np.round(found.gps[:3] - 1000).tolist() == [30, 10, 50]
    assert np.all(np.diff(found.statistic) <= 0)
    assert np.isnan(found.false_alarms_per_day).all()
    apart = np.abs(found.gps[:, None] - found.gps)[~np.eye(len(found.gps), dtype=bool)]
    assert apart.min() > 2.0


def test_background_is_of_shifted_detectors() -> None:
    """Two bursts that coincide by chance of the slide are background; one that coincides in truth is not."""
    stretch = _stretch(120, seed=1)
    rng = np.random.default_rng(6)
    wave = 3 * rng.normal(size=200).astype(np.float32)
    at = round(40 * RATE)
    stretch.white[:2, at : at + 200] += wave
    found = _search(stretch, slides=20)
    assert abs(found.gps[0] - 1040) < 0.2
    assert found.louder[0] == 0
    assert found.false_alarms_per_day[0] == pytest.approx(86_400 / found.background_seconds)
    assert found.background_seconds == pytest.approx(20 * found.searched_seconds, rel=0.05)


def test_rates_of_pure_noise_are_honest() -> None:
    """The loudest of pure noise is no rarer than noise: over many stretches its rate exceeds one a stretch."""
    expected = [_search(_stretch(40, seed), slides=10) for seed in range(20)]
    alarms = np.array([found.false_alarms_per_day[0] * found.searched_seconds / 86_400 for found in expected])
    # The number of background candidates at least as loud as the loudest, per stretch: exponential around 1.
    assert 0.4 < alarms.mean() < 2.0


def test_bad_seconds_and_missing_detectors_are_left_out() -> None:
    stretch = _stretch(40)
    stretch.good[1, round(20 * RATE) : round(22 * RATE)] = False
    stretch.white[:2, round(21 * RATE) : round(21.1 * RATE)] += 50
    found = _search(stretch, slides=0)
    assert not np.any((found.window_start > 1000 + 18) & (found.window_start < 1000 + 22))
    alone = _search(stretch, slides=0, minimum_detectors=1)
    assert abs(alone.gps[0] - 1021) < 0.2
    with pytest.raises(InputError, match="No window of the 40 s has 2 detectors"):
        _search(_stretch(40, detectors=1), slides=0)


def test_unusable_files_are_named(real_data: Path, tmp_path: Path) -> None:
    h1, l1 = real_data / "gw" / H1, real_data / "gw" / L1
    with pytest.raises(InputError, match=rf"of one detector: .*{H1} \(H1, GPS 1126259446 to 1126259478\)"):
        read_stretch([h1, h1], WHITENING)
    later = _copy(l1, tmp_path / "later.hdf5", meta__GPSstart=1126259470)
    with pytest.raises(InputError, match="8 s in common"):
        read_stretch([h1, later], WHITENING)
    gone = np.full(32 * 4096, np.nan)
    gone[: 4 * 4096] = 1e-21
    with pytest.raises(InputError, match=r"gone\.hdf5 has 3\.98\d* s of data"):
        read_stretch([h1, _copy(l1, tmp_path / "gone.hdf5", strain__Strain=gone)], WHITENING)
    bare = _copy(h1, tmp_path / "bare.hdf5")
    with h5py.File(bare, "r+") as file:
        del file["quality"]
    with pytest.raises(InputError, match=r"bare\.hdf5 is not a strain file of the GWOSC: it has no quality"):
        read_stretch([bare, l1], WHITENING)
    with pytest.raises(InputError, match="shorter than a window"):
        _search(_stretch(1.5))


@pytest.mark.parametrize(
    "wrong",
    [{"stride_seconds": 0.0}, {"shift_seconds": 0.1}, {"shift_seconds": 0.7}, {"slides": -1}, {"candidates": 0}],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        SearchSettings(**wrong)


def test_a_model_that_cannot_be_read_is_a_failure_of_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARMILLARY_EVENTS", str(tmp_path / "events"))
    with pytest.raises(InputError):
        predict([tmp_path], tmp_path / "nothing", tmp_path / "out", Settings())
    told = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [(event["event"], event["stage"]) for event in told] == [("begin", "predict"), ("failed", "predict")]
