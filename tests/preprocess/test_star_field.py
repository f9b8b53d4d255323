"""The star field: what is cut and counted, parallaxes, the plane, and features in units of a cluster."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from zero_point import zpt

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import Columns, TableWriter, read_provenance, read_settings, read_table
from components.ingest.gaia_stars import ingestion
from components.ingest.gaia_stars.schema import FIELDS, NAMES, complete
from components.preprocess.star_field.preprocessing import Settings, preprocess

NEVER_NULL = ("source_id", "ra", "dec", "parallax", "pmra", "pmdec", "phot_g_mean_mag")
MAY_BE_NULL = [name for name in NAMES if name not in NEVER_NULL and not name.endswith("_error")]
"""Ingest rejects stars without one of the others."""
PROVENANCE = Provenance("real", "a test", requested=60, received=60)


def _stars(rows: int = 60, ra: float = 10.0, dec: float = 20.0) -> Columns:
    rng = np.random.default_rng(rows)
    return complete(
        {
            "source_id": np.arange(rows) + 10**18,
            "ra": (ra + rng.uniform(-0.5, 0.5, rows)) % 360,
            "dec": np.clip(dec + rng.uniform(-0.5, 0.5, rows), -90, 90),
            "parallax": rng.normal(1, 0.1, rows),
            "pmra": rng.normal(3, 2, rows),
            "pmdec": rng.normal(-2, 2, rows),
            "parallax_error": np.full(rows, 0.05),
            "pmra_error": np.full(rows, 0.06),
            "pmdec_error": np.full(rows, 0.04),
            "phot_g_mean_mag": rng.uniform(12, 17, rows),
            "bp_rp": rng.uniform(0.5, 2, rows),
            "ruwe": np.full(rows, 1.0),
            "nu_eff_used_in_astrometry": rng.uniform(1.3, 1.6, rows),
            "visibility_periods_used": np.full(rows, 15),
            "astrometric_params_solved": np.full(rows, 31),
            "ecl_lat": rng.uniform(-60, 60, rows),
        }
    )


def _preprocess(
    tmp_path: Path, stars: Columns, settings: Settings | None = None, **about: Any
) -> tuple[Columns, dict[str, Any]]:
    (tmp_path / "stars").mkdir()
    with TableWriter(tmp_path / "stars" / "dataset.parquet", FIELDS, PROVENANCE, about, 16) as writer:
        writer.write(stars)
    preprocess(tmp_path / "stars", tmp_path / "out", settings or Settings())
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    kept = read_table(tmp_path / "out" / "dataset.parquet")
    assert len(stars["ra"]) == len(kept["ra"]) + len(rejected["id"])
    quality: dict[str, Any] = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert (quality["rows_in"], quality["rows_out"]) == (len(stars["ra"]), len(kept["ra"]))
    return kept, quality


def test_each_cut_is_made_and_counted(tmp_path: Path) -> None:
    stars = _stars()
    stars["phot_g_mean_mag"][:3] = 18.5
    stars["ruwe"][2:6] = 2.0  # one of them faint too
    stars["visibility_periods_used"][10:12] = 5
    stars["pmra_error"][20] = stars["pmdec_error"][21] = 0.5
    stars["parallax_error"][30] = 0.9
    stars["ruwe"][40], stars["visibility_periods_used"][41] = np.nan, -1  # unknown is not bad
    _, quality = _preprocess(tmp_path, stars, Settings(maximum_parallax_error=0.5))
    counts = {c["cut"]: (c["fail"], c["fail_only_this"], c["removed"]) for c in quality["cuts"]}
    assert counts == {
        "faint": (3, 2, 3),
        "high RUWE": (4, 3, 3),
        "few visibility periods": (2, 2, 2),
        "large parallax error": (1, 1, 1),
        "large proper motion error": (2, 2, 2),
    }
    expected = {reason: removed for reason, (_, _, removed) in counts.items()}
    assert read_provenance(tmp_path / "out" / "dataset.parquet").rejected == expected
    assert quality["nulls"]["ruwe"] == 1


def test_without_cuts_all_stars_stay(tmp_path: Path) -> None:
    stars = _stars()
    stars["phot_g_mean_mag"][0], stars["ruwe"][1] = 20.9, 40.0
    none = Settings(0, 0, 0, 0, 0)
    kept, quality = _preprocess(tmp_path, stars, none)
    assert len(kept["ra"]) == 60
    assert quality["cuts"] == []


def test_distant_stars_are_not_cut(tmp_path: Path) -> None:
    """Parallaxes below their errors, and below zero, are what distant clusters are made of."""
    stars = _stars()
    stars["parallax"][:] = np.linspace(-0.1, 0.02, 60)
    kept, _ = _preprocess(tmp_path, stars)
    assert len(kept["ra"]) == 60


def test_parallaxes_lose_their_zero_point(tmp_path: Path) -> None:
    zpt.load_tables()
    stars = _stars()
    kept, quality = _preprocess(tmp_path, stars)
    names = (
        "phot_g_mean_mag",
        "nu_eff_used_in_astrometry",
        "pseudocolour",
        "ecl_lat",
        "astrometric_params_solved",
    )
    expected = zpt.get_zpt(*(stars[name].astype(float) for name in names))
    np.testing.assert_allclose(kept["parallax"] - kept["parallax_corrected"], expected, atol=2e-6)
    assert quality["zero_point"] == {"by magnitude, wavenumber and place": 60}


def test_what_is_assumed_about_the_zero_point_is_counted(tmp_path: Path) -> None:
    stars = _stars()
    stars["nu_eff_used_in_astrometry"][:10] = np.nan
    stars["bp_rp"][:4] = np.nan
    kept, quality = _preprocess(tmp_path, stars)
    assert quality["zero_point"] == {
        "by magnitude, wavenumber and place": 50,
        "wavenumber taken from the colour": 6,
        "outside the range of the fit, or without a colour: -0.03 mas": 4,
    }
    assert np.isfinite(kept["parallax_corrected"]).all()
    np.testing.assert_allclose((kept["parallax_corrected"] - kept["parallax"])[:4], 0.03)


@pytest.mark.parametrize(("release", "correct", "shift"), [("dr2", "correct", 0.029), ("dr3", "none", 0.0)])
def test_other_zero_points(tmp_path: Path, release: str, correct: str, shift: float) -> None:
    kept, quality = _preprocess(tmp_path, _stars(), Settings(zero_point=correct), release=release)
    np.testing.assert_allclose(kept["parallax_corrected"] - kept["parallax"], shift, atol=1e-12)
    assert sum(quality["zero_point"].values()) == 60


def test_features_are_in_units_of_a_cluster(tmp_path: Path) -> None:
    settings = Settings(
        intrinsic_pm=0.12,
        intrinsic_parallax=0.12,
        intrinsic_position=0.3,
        weight_position=0.5,
        weight_parallax=2.0,
    )
    kept, quality = _preprocess(tmp_path, _stars(), settings)
    about = read_settings(tmp_path / "out" / "dataset.parquet")
    motion, parallax = np.hypot(0.12, 0.05), np.hypot(0.12, 0.05)
    assert about["features"] == [
        "feature_x", "feature_y", "feature_pm_x", "feature_pm_y", "feature_parallax",
    ]  # fmt: skip
    np.testing.assert_allclose(kept["feature_x"], 0.5 * kept["x_deg"] / 0.3, rtol=1e-6)
    np.testing.assert_allclose(kept["feature_pm_y"], kept["pm_y"] / motion, rtol=1e-6)
    np.testing.assert_allclose(kept["feature_parallax"], 2 * kept["parallax_corrected"] / parallax, rtol=1e-6)
    assert quality["scales"]["feature_pm_x"] == pytest.approx(motion, rel=1e-6)
    assert set(kept) > set(NAMES)


def test_the_field_around_a_cluster_does_not_change_its_features(tmp_path: Path) -> None:
    """Unlike standard scores: field stars of other motions leave the units as they are."""
    calm, wild = _stars(), _stars()
    wild["pmra"][30:] *= 50
    scales = []
    for name, stars in (("calm", calm), ("wild", wild)):
        (tmp_path / name).mkdir()
        scales.append(_preprocess(tmp_path / name, stars)[1]["scales"])
    assert scales[0] == scales[1]


def test_a_weight_of_zero_leaves_a_feature_out(tmp_path: Path) -> None:
    kept, quality = _preprocess(tmp_path, _stars(), Settings(weight_position=0))
    assert quality["features"] == ["feature_pm_x", "feature_pm_y", "feature_parallax"]
    assert "feature_x" not in kept


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (150.0, 90.0), (150.0, -90.0)])
def test_fields_across_ra_0_and_poles_are_one_piece(tmp_path: Path, ra: float, dec: float) -> None:
    stars = _stars(200, ra, dec)
    if abs(dec) == 90:
        stars["ra"] = np.random.default_rng(0).uniform(0, 360, 200)
    kept, _ = _preprocess(tmp_path, stars)
    assert np.hypot(kept["x_deg"], kept["y_deg"]).max() < 0.8
    np.testing.assert_allclose(
        np.hypot(kept["pm_x"], kept["pm_y"]), np.hypot(kept["pmra"], kept["pmdec"]), rtol=1e-3
    )


def test_one_motion_in_space_is_one_motion_on_the_plane_at_a_pole(tmp_path: Path) -> None:
    stars = _stars(200, 0.0, 90.0)
    stars["ra"] = np.random.default_rng(0).uniform(0, 360, 200)
    turn = np.radians(stars["ra"])
    stars["pmra"], stars["pmdec"] = 10 * np.cos(turn), -10 * np.sin(turn)  # (-)RA turns with the star
    region = {"name": "", "ra": 0.0, "dec": 90.0, "radius_deg": 0.5, "polygon": []}
    kept, _ = _preprocess(tmp_path, stars, region=region)
    assert np.std(kept["pmra"]) > 5
    assert max(np.std(kept["pm_x"]), np.std(kept["pm_y"])) < 0.01


@pytest.mark.parametrize("name", MAY_BE_NULL)
def test_nulls_in_any_column_that_may_have_some(tmp_path: Path, name: str) -> None:
    stars = _stars()
    stars[name][7] = {"i": -1, "O": ""}.get(stars[name].dtype.kind, np.nan)
    kept, _ = _preprocess(tmp_path, stars)
    assert len(kept["ra"]) == 60
    for column in ("x_deg", "y_deg", "pm_x", "parallax_corrected", "feature_parallax"):
        assert np.isfinite(kept[column]).all()


def test_no_star_left_says_which_cut_took_them(tmp_path: Path) -> None:
    stars = _stars()
    stars["ruwe"][:] = 3.0
    with pytest.raises(InputError, match=r"No star .* is left: .*60 high RUWE \(limit 1\.4\)"):
        _preprocess(tmp_path, stars)
    assert not (tmp_path / "out").exists()


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stars").mkdir()
    with TableWriter(tmp_path / "stars" / "dataset.parquet", FIELDS[:5], PROVENANCE) as writer:
        writer.write({field.name: _stars()[field.name] for field in FIELDS[:5]})
    with pytest.raises(InputError, match="no column"):
        preprocess(tmp_path / "stars", tmp_path / "out", Settings())


def test_truth_is_carried_through_and_stays_out(tmp_path: Path) -> None:
    wanted = ingestion.Settings(rows=3000, cluster_stars=400, seed=5)
    ingestion.ingest(tmp_path / "stars", wanted)
    preprocess(tmp_path / "stars", tmp_path / "out", Settings())
    stars, truth = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("dataset", "truth"))
    np.testing.assert_array_equal(stars["source_id"], truth["source_id"])
    before = read_table(tmp_path / "stars" / "truth.parquet")
    names = pd.Series(before["cluster"], index=before["source_id"])
    assert (names[truth["source_id"]].to_numpy() == truth["cluster"]).all()
    assert "cluster" not in stars
    known = read_settings(tmp_path / "out" / "truth.parquet")["clusters"]
    assert len(known) == 3
    for cluster in known:
        members = truth["cluster"] == cluster["name"]
        error = 1.25 * np.std(stars["parallax_corrected"][members]) / np.sqrt(members.sum())
        # The zero-point that the simulator put in is taken out again.
        assert np.median(stars["parallax_corrected"][members]) == pytest.approx(cluster["parallax"], abs=4 * error)


def test_truth_of_other_stars_is_refused(tmp_path: Path) -> None:
    for name, seed in (("stars", 1), ("other", 2)):
        ingestion.ingest(tmp_path / name, ingestion.Settings(rows=500, cluster_stars=100, seed=seed))
    (tmp_path / "other" / "truth.parquet").replace(tmp_path / "stars" / "truth.parquet")
    with pytest.raises(InputError, match="other stars than the dataset"):
        preprocess(tmp_path / "stars", tmp_path / "out", Settings())


def test_real_stars_pass(tmp_path: Path, real_data: Path) -> None:
    place = real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet"
    wanted = ingestion.Settings(source="files", location=str(place), maximum_magnitude=21.0)
    ingestion.ingest(tmp_path / "stars", wanted)
    preprocess(tmp_path / "stars", tmp_path / "out", Settings())
    stars = read_table(tmp_path / "out" / "dataset.parquet")
    assert 500 < len(stars["ra"]) < 800
    assert np.isfinite(stars["feature_parallax"]).all()
    assert -0.06 < np.median(stars["parallax"] - stars["parallax_corrected"]) < -0.02


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"zero_point": "guess"}, "no zero_point"),
        ({"maximum_ruwe": -1.0}, "maximum_ruwe is negative"),
        ({"weight_pm": 0.0, "weight_parallax": 0.0, "weight_position": 0.0}, "All weights"),
        ({"intrinsic_position": 0.0}, "intrinsic_position"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        Settings(**wrong)
