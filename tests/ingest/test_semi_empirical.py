"""Spectra of real galaxies with synthetic pixels, in the columns of the archive's."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.common.tables import read_table
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.ingest.sdss_spectra.semi_empirical import simulate


def test_table_says_what_is_real(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", Settings("semi-empirical", rows=40, seed=3, classes=("GALAXY",)))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert provenance.origin == "semi-empirical"
    assert "easier" in provenance.notes[0]
    assert len(table["id"]) == 40
    assert np.isfinite(table["magnitude_r"]).all()
    assert (table["magnitude_r"] > table["magnitude_r_total"]).all()
    assert all(name.startswith("gst-") for name in table["object_id"])


def test_short_run_is_the_begin_of_a_long_one() -> None:
    short = next(iter(simulate(5, 1, 0.0, 0.4)))
    long = next(iter(simulate(600, 1, 0.0, 0.4)))
    np.testing.assert_array_equal(short["flux"], long["flux"][:5])
    np.testing.assert_array_equal(short["object_id"], long["object_id"][:5])


def test_redshift_range_is_kept() -> None:
    batch = next(iter(simulate(200, 1, 0.1, 0.2)))
    assert ((batch["redshift"] >= 0.1) & (batch["redshift"] <= 0.2)).all()


def test_no_galaxy_there() -> None:
    with pytest.raises(ParameterError, match="no galaxy"):
        next(iter(simulate(5, 1, 3.0, 4.0)))
    with pytest.raises(ParameterError, match="galaxies only"):
        Settings("semi-empirical", rows=5, classes=("QSO",))
