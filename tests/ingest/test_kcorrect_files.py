"""Real galaxies from the files of the package kcorrect."""

from pathlib import Path

import kcorrect
import numpy as np
import pytest
from astropy.io import fits

from components.common.errors import InputError
from components.ingest.sdss_spectra import kcorrect_files
from components.ingest.sdss_spectra.kcorrect_files import PHOTOMETRY, REDSHIFT_RANGE, real_galaxies


def test_rows_are_those_of_the_photometry() -> None:
    galaxies = real_galaxies()
    table = fits.getdata(Path(kcorrect.KCORRECT_DIR) / PHOTOMETRY)
    assert 9900 < len(galaxies.row) < 10_000
    np.testing.assert_array_equal(galaxies.redshift, table["Z"][galaxies.row])
    magnitude = 22.5 - 2.5 * np.log10(table["MODELFLUX"][galaxies.row, 2])
    np.testing.assert_allclose(galaxies.magnitude_r, magnitude, atol=1e-4)
    assert galaxies.redshift.min() > REDSHIFT_RANGE[0]
    assert (galaxies.coefficients >= 0).all()
    assert (galaxies.coefficients > 0).any(axis=1).all()


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kcorrect_files, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="not installed"):
        real_galaxies.__wrapped__()


def test_a_package_without_its_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kcorrect_files, "_folder", lambda: tmp_path)
    with pytest.raises(InputError, match="without"):
        kcorrect_files._read(PHOTOMETRY, ["Z"])
