"""Pictures of real galaxies with synthetic pixels: what is real in them, what they carry, and how they are cut."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from shard_tables import assert_same

from components.common.errors import ParameterError
from components.common.tables import Columns, read_provenance, read_settings, read_table
from components.ingest.sdss_cutouts import scene
from components.ingest.sdss_cutouts.ingestion import Settings, ingest
from components.ingest.sdss_cutouts.real_galaxies import load_real_galaxies
from components.ingest.sdss_cutouts.schema import fields, healpix_fields
from components.ingest.sdss_cutouts.simulated import open_simulator
from components.ingest.sdss_spectra.kcorrect_files import read_photometry
from components.merge.shards.merging import merge
from components.physics.sdss_imaging import BANDS


def batches(**settings: Any) -> list[Columns]:
    return list(open_simulator(Settings(**settings)).batches)


@pytest.fixture(scope="module")
def flux_table() -> Columns:
    """600 pictures in nanomaggies."""
    parts = batches(rows=600, seed=4, encoding="flux")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_table_says_what_is_real(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", Settings(rows=20, seed=3))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert provenance == read_provenance(tmp_path / "out" / "dataset.parquet")
    assert provenance.origin == "semi-empirical"
    assert "pixels are drawn" in provenance.notes[0]
    assert (provenance.requested, provenance.received, dict(provenance.rejected)) == (20, 20, {})
    assert list(table) == [field.name for field in fields(("i", "r", "g"), "jpeg", 64)]
    assert table["image"].shape == (20, 3, 64, 64)
    assert table["image"].dtype == np.uint8
    assert read_settings(tmp_path / "out" / "dataset.parquet") == {
        "bands": ["i", "r", "g"],
        "encoding": "jpeg",
        "scale_arcsec": 0.396127,
        "size": 64,
    }


def test_labels_are_those_of_the_survey(flux_table: Columns) -> None:
    real = load_real_galaxies()
    place = {f"gst-{row:05d}": k for k, row in enumerate(real.row)}
    rows = [place[name] for name in flux_table["object_id"]]
    np.testing.assert_array_equal(flux_table["redshift"], real.redshift[rows])
    np.testing.assert_array_equal(flux_table["field_id"], healpix_fields(real.ra[rows], real.dec[rows]))
    for k, band in enumerate(BANDS):
        np.testing.assert_allclose(flux_table[f"mag_{band}"], 22.5 - 2.5 * np.log10(real.flux[rows, k]), atol=1e-5)
        assert (flux_table[f"mag_error_{band}"] > 0).all()
    assert np.isnan(flux_table["petro_r50"]).all(), "nobody has measured it on these pictures"


def test_extinction_is_on_the_scale_of_the_surveys_own_rows(real_data: Path) -> None:
    """That of kcorrect's file, which is older, is a fifth larger. An object nine arcminutes away has like dust."""
    real = load_real_galaxies()
    row = fits.getdata(real_data / "sdss" / "spectra" / "spec-3655-55240-0170.fits", 2)[0]
    near = np.argmin(np.hypot((real.ra - row["RA"]) * np.cos(np.radians(row["DEC"])), real.dec - row["DEC"]))
    np.testing.assert_allclose(real.extinction[near], row["EXTINCTION"], rtol=0.03)
    ratio = np.broadcast_to(row["EXTINCTION"] / row["EXTINCTION"][2], real.extinction.shape)
    np.testing.assert_allclose(real.extinction / real.extinction[:, [2]], ratio, rtol=1e-5)


def test_extinction_is_of_the_reddening_that_kcorrect_knows() -> None:
    real = load_real_galaxies()
    given = read_photometry(["EXTINCTION"])["EXTINCTION"][real.row].astype(np.float64)
    older, newer = [5.155, 3.793, 2.751, 2.086, 1.479], [4.239, 3.303, 2.285, 1.698, 1.263]
    np.testing.assert_allclose(real.extinction / newer, given / older, rtol=1e-5)


def test_rest_frame_light_is_that_of_galaxies() -> None:
    """Most of the main sample are within two magnitudes of M*, and red ones have u - r of 2.5."""
    real = load_real_galaxies()
    assert -22.5 < np.median(real.absolute_r) < -20.5
    assert 2.2 < np.percentile(real.u_r, 75) < 2.8
    assert 0.6 < np.percentile(real.g_r, 75) < 0.9


def test_pictures_carry_flux_and_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of galaxies without neighbours that fit into the picture, the sum of the pixels is the magnitude."""
    monkeypatch.setattr(scene, "_NEIGHBOURS_PER_SQUARE_ARCMIN", 0.0)
    parts = batches(rows=300, seed=4, encoding="flux")
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    compact = (table["sim_radius"] < 3) & (table["mag_r"] < 17.5)
    assert compact.sum() > 80
    for k, tolerance in ((1, 0.04), (2, 0.03), (3, 0.03)):
        total = table["image"][compact, k].sum(axis=(1, 2))
        found = 22.5 - 2.5 * np.log10(total) - table[f"mag_{BANDS[k]}"][compact]
        assert abs(np.median(found)) < tolerance
        assert found.std() < 3 * tolerance


def test_pictures_carry_size(flux_table: Columns) -> None:
    """Light within 2 arcsec over that within 6: the larger the galaxy, the smaller."""
    y, x = np.mgrid[:64, :64] - 31.5
    radius = np.hypot(x, y) * 0.396127
    inner, outer = (flux_table["image"][:, 2][:, radius < r].sum(axis=1) for r in (2.0, 6.0))
    order = np.argsort(flux_table["sim_radius"])
    concentration = (inner / outer)[order]
    assert concentration[:150].mean() > concentration[-150:].mean() + 0.2


def test_neighbours_keep_their_distance() -> None:
    """Some five in a square arcminute, none within four arcseconds of the middle, fainter ones being more."""
    galaxies = load_real_galaxies()
    pieces = scene._neighbours(galaxies, 4000, 64, np.random.default_rng(0))
    away = np.hypot(pieces.x - 31.5, pieces.y - 31.5) * 0.396127
    assert away.min() > 4.0
    free = (64 * 0.396127) ** 2 - np.pi * 4.0**2
    assert len(away) / 4000 == pytest.approx(5.0 * free / 3600, rel=0.05)
    magnitude = 22.5 - 2.5 * np.log10(pieces.flux[:, 2])
    assert magnitude.min() > 17.0
    assert magnitude.max() < 22.2 + 1e-6
    assert (magnitude > 21).sum() > 4 * (magnitude < 20).sum()


def test_galaxy_that_comes_again_is_the_same_galaxy() -> None:
    """There are some 30 galaxies in the range: 200 pictures show each several times, turned anew."""
    table = batches(rows=200, seed=1, minimum_redshift=0.3, maximum_redshift=0.305)[0]
    names, first, place, count = np.unique(
        table["object_id"], return_index=True, return_inverse=True, return_counts=True
    )
    assert len(names) < 100
    assert count.max() > 1
    for column in ("sim_radius", "sim_bulge_fraction", "redshift", "mag_r", "field_id", "sim_seeing"):
        np.testing.assert_array_equal(table[column], table[column][first][place])
    assert len(np.unique(table["inclination_deg"])) == 200
    assert len(np.unique(table["id"])) == 200


def test_orientation_is_isotropic(flux_table: Columns) -> None:
    cosine = np.cos(np.radians(flux_table["inclination_deg"]))
    assert abs(cosine.mean() - 0.5) < 0.04
    assert np.corrcoef(flux_table["axis_ratio"], cosine)[0, 1] > 0.8


def test_short_run_is_the_begin_of_a_long_one() -> None:
    short, long = batches(rows=5, seed=1)[0], batches(rows=300, seed=1)[0]
    for name in short:
        np.testing.assert_array_equal(short[name], long[name][:5], err_msg=name)
    other = batches(rows=5, seed=2)[0]
    assert (other["image"] != short["image"]).any()


def test_shards_add_up(tmp_path: Path) -> None:
    settings = Settings(rows=300, seed=-3, size=32)
    ingest(tmp_path / "whole", settings)
    parts = [tmp_path / f"part{number}" for number in range(3)]
    for number, part in enumerate(parts):
        ingest(part, dataclasses.replace(settings, shard=number, shards=3))
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


def test_bands_of_choice() -> None:
    (five,) = batches(rows=8, encoding="flux")
    (two,) = batches(rows=8, encoding="flux", bands=("r", "u"), size=48)
    assert five["image"].shape == (8, 5, 64, 64)
    assert two["image"].shape == (8, 2, 48, 48)
    assert two["image"][:, 0].max() > two["image"][:, 1].max()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"source": "telescope"}, "no source"),
        ({"rows": 0}, "positive"),
        ({"encoding": "png"}, "no encoding"),
        ({"bands": ("g", "y")}, "Choose among"),
        ({"bands": ("g", "g")}, "Choose among"),
        ({"size": 5000}, "Choose a size"),
        ({"minimum_redshift": 0.3, "maximum_redshift": 0.2}, "empty"),
        ({"source": "archive", "encoding": "flux"}, "no pictures of the encoding"),
        ({"source": "frames"}, "Set encoding to flux"),
        ({"source": "files"}, "needs a location"),
        ({"minimum_ra": 20.0, "maximum_ra": 10.0}, "no sky"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Settings(**{"rows": 5, **wrong})


def test_no_galaxy_there() -> None:
    with pytest.raises(ParameterError, match="no galaxy"):
        open_simulator(Settings(rows=5, minimum_redshift=3.0, maximum_redshift=4.0))
