"""Real stars at default settings: the goals of the exercise."""

from pathlib import Path

import pandas as pd
import pytest
from star_stages import run_stages

from components.common.tables import read_table
from components.evaluate.clustering.evaluation import Settings, evaluate
from components.evaluate.clustering.scene import read_scene
from components.ingest.gaia_stars.settings import Settings as IngestSettings

QUICK = Settings(bootstrap=100, control_fields=0, shifted_fields=1, samples=1)


@pytest.fixture(scope="module")
def gaia(real_data: Path) -> Path:
    return real_data / "gaia"


def test_ngc_2112_is_found(gaia: Path, tmp_path: Path) -> None:
    """Plain HDBSCAN on motion and parallax has F1 0.815 against the catalogue."""
    stars = IngestSettings(
        source="files",
        location=str(gaia / "ngc2112_field.csv.gz"),
        members=str(gaia / "ngc2112_members_edr3.csv"),
    )
    dataset, model = run_stages(tmp_path, stars)
    metrics = evaluate(dataset, model, tmp_path / "results", QUICK)
    assert metrics["origin"] == "real"
    assert len(metrics["clusters"]) == 1
    assert metrics["scores"]["f1"]["value"] >= 0.85
    (found,) = metrics["clusters"]
    assert [found["pmra"], found["pmdec"], found["parallax"]] == pytest.approx([-2.71, 4.28, 0.93], abs=0.06)


def test_a_dr2_field_without_a_cluster_has_none(gaia: Path, tmp_path: Path) -> None:
    stars = IngestSettings(source="files", location=str(gaia / "dr2_field_healpix5_12237.csv.gz"))
    scene = read_scene(*run_stages(tmp_path, stars))
    assert len(scene.stars) > 1000
    assert len(scene.facts) <= 1


def test_a_dr3_cone_without_a_cluster_has_none(gaia: Path, tmp_path: Path) -> None:
    stars = IngestSettings(source="files", location=str(gaia / "dr3_cone_ra45_dec0_r0.5deg.parquet"))
    assert len(read_scene(*run_stages(tmp_path, stars)).facts) <= 1


def test_pleiades_and_praesepe_are_recovered_from_a_mixed_field(gaia: Path, tmp_path: Path) -> None:
    """Their listed stars among those of two fields, all in one table; F1 of each."""
    wanted = ["source_id", "ra", "dec", "parallax", "parallax_error", "pmra", "pmdec", "phot_g_mean_mag", "bp_rp"]
    tables = []
    for name in ("pleiades", "praesepe"):
        listed = pd.read_csv(gaia / f"{name}_dr3.csv")
        if "source_id" not in listed:
            listed = listed.rename(columns={"dr3_source_id": "source_id"})
        tables.append(listed[wanted].assign(cluster=name))
    tables.append(pd.read_parquet(gaia / "dr3_cone_ra45_dec0_r0.5deg.parquet")[wanted].assign(cluster=""))
    field = pd.read_csv(gaia / "ngc2112_field.csv.gz").reindex(columns=wanted)
    tables.append(field.assign(cluster=""))
    mixed = pd.concat(tables, ignore_index=True).dropna(subset=["ra", "parallax", "pmra"])
    mixed.drop(columns="cluster").to_csv(tmp_path / "mixed.csv", index=False)
    scene = read_scene(*run_stages(tmp_path, IngestSettings(source="files", location=str(tmp_path / "mixed.csv"))))
    known = mixed.drop_duplicates("source_id").set_index("source_id")["cluster"]
    truth = known.reindex(read_table(tmp_path / "dataset" / "dataset.parquet", ["source_id"])["source_id"])
    for name in ("pleiades", "praesepe"):
        own = truth.to_numpy() == name
        found = [scene.members == k for k in range(len(scene.facts))]
        f1 = [2 * (own & members).sum() / (own.sum() + members.sum()) for members in found]
        assert max(f1) >= 0.95
