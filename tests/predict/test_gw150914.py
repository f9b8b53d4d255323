"""A network that is trained small, on simulated noise alone, meets the first wave that was ever seen."""

from pathlib import Path

import pytest

from components.common.tables import read_table
from components.ingest.gw_strain.ingestion import Settings as Ingestion
from components.ingest.gw_strain.ingestion import ingest
from components.predict.strain.prediction import Settings, predict
from components.preprocess.strain.preprocessing import Settings as Preprocessing
from components.preprocess.strain.preprocessing import preprocess
from components.train.conv1d.training import Settings as Training
from components.train.conv1d.training import train

GW150914 = 1126259462.42
"""At the detectors, in GPS seconds (Abbott et al. 2016)."""


@pytest.mark.slow
def test_gw150914_is_the_loudest_and_nothing_else_is_loud(real_data: Path, tmp_path: Path) -> None:
    """Trained on loud waves, which are learnt in a few hundred steps; O1 noise it has never seen."""
    ingest(tmp_path / "raw", Ingestion(rows=1792, seed=2, minimum_mass=20, snr_mean=8.0, snr_spread=2.0))
    preprocess(tmp_path / "raw", tmp_path / "data", Preprocessing(test_fraction=0.05, seed=2))
    small = Training(
        "label", "strided", kernels=[32, 16, 8], channels=[8, 8, 24], epochs=4, precision="bfloat16", seed=2
    )
    train(tmp_path / "data", tmp_path / "model", small)
    predict(real_data / "gw", tmp_path / "model", tmp_path / "found", Settings())
    table = read_table(tmp_path / "found" / "predictions.parquet")
    assert abs(table["gps"][0] - GW150914) < 0.1
    assert table["louder"][0] == 0, "no time slide is as loud"
    # The statistic is the logarithm of the odds. Off the source it is that of noise, as the slides have it too.
    assert table["statistic"][0] > 10
    assert (table["statistic"][1:] < 2).all()
    assert (table["louder"][1:] >= 5).all()
