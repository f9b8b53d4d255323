"""The simulator as a source: the archive's columns, reproducible, and honest about its range."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.common.tables import Columns, read_provenance, read_table
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.ingest.sdss_spectra.schema import NAMES, TENSOR_PIXELS
from components.ingest.sdss_spectra.simulated import FIRST_PIXEL, REDSHIFT_RANGE, simulate


def _all(rows: int, seed: int = 1, low: float = 0.0, high: float = 9.0) -> Columns:
    batches = list(simulate(rows, seed, low, high))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def test_the_columns_are_those_of_the_archive() -> None:
    columns = _all(5)
    assert set(columns) == set(NAMES)
    assert {len(values) for values in columns.values()} == {5}
    assert columns["flux"].shape == columns["ivar"].shape == (5, TENSOR_PIXELS)
    assert set(columns["first_pixel"]) == {FIRST_PIXEL}
    assert len(set(columns["id"])) == 5


def test_the_first_of_many_are_those_of_few() -> None:
    few, many = _all(3), _all(258)
    assert len(many["id"]) == 258
    for name in NAMES:
        np.testing.assert_array_equal(many[name][:3], few[name])
    assert len(set(many["id"])) == 258
    assert not np.array_equal(many["flux"][256], many["flux"][0])


def test_seeds_give_other_spectra_under_other_names() -> None:
    one, other, negative = _all(4, seed=1), _all(4, seed=2), _all(4, seed=-1)
    assert not np.array_equal(one["flux"], other["flux"])
    assert not set(one["id"]) & set(other["id"]) | (set(one["id"]) & set(negative["id"]))
    assert np.isfinite(negative["flux"]).all()


def test_the_median_signal_to_noise_ratio_is_that_of_the_spectrum() -> None:
    columns = _all(20)
    for flux, ivar, stated in zip(columns["flux"], columns["ivar"], columns["sn_median"], strict=True):
        good = ivar > 0
        assert stated == pytest.approx(np.median(flux[good] * np.sqrt(ivar[good])), rel=1e-5)


@pytest.mark.parametrize(("low", "high"), [(2.0, 2.2), (0.0, 0.3), (4.5, 20.0), (3.0, 3.0)])
def test_redshifts_stay_in_the_range(low: float, high: float) -> None:
    redshift = _all(64, low=low, high=high)["redshift"]
    # rounding of exp(ln(1 + z)) - 1
    assert redshift.min() >= max(low, REDSHIFT_RANGE[0]) - 1e-12
    assert redshift.max() <= min(high, REDSHIFT_RANGE[1]) + 1e-12


@pytest.mark.parametrize(("low", "high"), [(6.0, 7.0), (0.0, 0.01), (3.0, 2.0)])
def test_a_range_without_quasars_is_refused(low: float, high: float) -> None:
    with pytest.raises(ParameterError, match=r"overlaps 0\.05 to 5\.0"):
        next(simulate(4, 0, low, high))


def test_ingest_writes_them_with_their_origin(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", Settings("simulated", rows=6, seed=3))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert (provenance.origin, provenance.seed, provenance.received) == ("simulated", 3, 6)
    assert read_provenance(tmp_path / "out" / "dataset.parquet") == provenance
    np.testing.assert_array_equal(table["flux"], _all(6, seed=3)["flux"])
