"""Evaluation of clusters: with truth, without, with nothing found; and names, landmarks, nulls."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from star_stages import run_stages

from components.common.errors import InputError, ParameterError
from components.common.tables import read_settings, read_table
from components.evaluate.clustering.evaluation import Settings, evaluate
from components.evaluate.clustering.external import search_files
from components.evaluate.clustering.naming import name_of
from components.evaluate.clustering.nulls import control_field
from components.evaluate.clustering.scene import read_scene
from components.evaluate.clustering.sequences import find_landmarks
from components.evaluate.clustering.truth import pulls_of
from components.ingest.gaia_stars.settings import Settings as IngestSettings
from components.physics.known_clusters import find_cluster
from components.train.clustering.settings import Settings as SearchSettings

QUICK = Settings(bootstrap=100, control_fields=1, shifted_fields=1, samples=1, seed=1)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Search a small simulated region with three clusters."""
    folder = tmp_path_factory.mktemp("region")
    return run_stages(
        folder, IngestSettings(rows=3000, cluster_stars=600, seed=1), ("hdbscan", "dbscan", "kmeans")
    )


def test_a_region_with_truth_is_scored_and_told(region: tuple[Path, Path], tmp_path: Path) -> None:
    metrics = evaluate(*region, tmp_path, QUICK)
    assert set(metrics["scores"]) == {"purity", "completeness", "f1", "ari", "false_clusters"}
    for name in ("purity", "completeness", "ari"):
        entry = metrics["scores"][name]
        assert 0.9 < entry["low"] <= entry["value"] <= entry["high"] <= 1
    assert metrics["scores"]["false_clusters"]["value"] == 0
    assert metrics["origin"] == "simulated"
    assert [m["name"] for m in metrics["matched"]] == ["globular-1", "open-1", "open-2"]
    # Fifteen pulls of a fixed seed; that one of them is beyond four has a probability of a thousandth.
    assert max(abs(pull) for m in metrics["matched"] for pull in m["pulls"].values()) < 4
    assert metrics["baselines"]["kmeans"]["proposed"]["f1"] < 0.5
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    page = (tmp_path / "report.html").read_text()
    assert "k-means proposed" in page
    assert "turn-off" in page
    assert page.index(">O<") < page.index(">B<") < page.index(">M<"), "spectral types are in order of temperature"
    rows = read_table(tmp_path / "predictions.parquet")
    assert len(rows["id"]) == metrics["rows"]["stars"]
    assert set(rows["cluster"]) == {"cluster-1", "cluster-2", "cluster-3", ""}


def test_no_cluster_is_an_answer(tmp_path: Path) -> None:
    dataset, model = run_stages(tmp_path, IngestSettings(rows=2000, clusters=0, seed=3))
    metrics = evaluate(dataset, model, tmp_path / "results", QUICK)
    assert metrics["clusters"] == []
    assert set(metrics["scores"]) == {"false_clusters"}
    assert "No candidate passed the tests" in (tmp_path / "results" / "report.html").read_text()


def test_truth_never_reaches_the_search(region: tuple[Path, Path]) -> None:
    dataset, model = region
    assert "cluster" not in read_table(dataset / "dataset.parquet")
    scene = read_scene(dataset, model)
    assert scene.truth is not None
    assert set(scene.truth.parameters) == {"globular-1", "open-1", "open-2"}


def test_real_stars_may_lie_in_several_tables_of_a_folder_with_a_comma(
    region: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = region[0]
    raw = dataset.parent / "stars"
    stars = pd.DataFrame(read_table(raw / "dataset.parquet"))
    truth = pd.DataFrame(read_table(raw / "truth.parquet"))
    folder = tmp_path / "fields, of mine"
    folder.mkdir()
    for half in (0, 1):
        stars.iloc[half::2].to_csv(folder / f"half-{half}.csv", index=False)
    truth[truth["cluster"] != ""].to_csv(folder / "a_members.csv", index=False)
    truth.head(1).to_csv(folder / "b_members.csv", index=False)
    found = search_files(str(folder), read_settings(dataset / "dataset.parquet"), SearchSettings(), 20, 1)
    assert found.scores["f1"].value > 0.9
    assert found.provenance.requested == len(stars)
    assert "2 catalogues of members: compared with a_members.csv alone" in "".join(capsys.readouterr())
    for path in folder.glob("half*.csv"):
        stars.assign(phot_g_mean_mag=22.0).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"Not one star of half-0\.csv, half-1\.csv can be used: .* faint"):
        search_files(str(folder), read_settings(dataset / "dataset.parquet"), SearchSettings(), 20, 1)


def test_a_model_of_other_stars_is_refused(region: tuple[Path, Path], tmp_path: Path) -> None:
    dataset, _ = run_stages(tmp_path, IngestSettings(rows=500, clusters=0, seed=9))
    with pytest.raises(InputError, match="among other stars"):
        evaluate(dataset, region[1], tmp_path / "results", QUICK)


def test_control_fields_differ_from_each_other_and_have_the_preparation_of_the_region(
    region: tuple[Path, Path],
) -> None:
    scene = read_scene(*region)
    first, second = (control_field(scene.settings, 500, seed) for seed in (0, 1))
    assert first.features.shape[1] == scene.stars.features.shape[1]
    assert len(first) > 400
    assert not np.array_equal(first.columns["ra"][:100], second.columns["ra"][:100])


def test_found_clusters_get_their_names() -> None:
    m4 = find_cluster("M4")
    facts = {
        "ra": m4.ra_deg + 0.05,
        "dec": m4.dec_deg,
        "pmra": m4.pmra + 0.05,
        "pmdec": m4.pmdec,
        "parallax": 0.55,
    }
    facts |= {"pmra_error": 0.03, "pmdec_error": 0.03, "parallax_error": 0.01}
    assert name_of(facts) == m4.name
    assert name_of({**facts, "pmra": m4.pmra + 2}) == ""
    assert name_of({**facts, "ra": m4.ra_deg + 5}) == ""


def test_pulls_go_around_ra_0() -> None:
    facts = {"ra": 0.01, "dec": 60.0, "position_error": 0.005, "pmra": 1.0, "pmra_error": 0.1}
    pulls = pulls_of({"ra": 359.99, "dec": 60.0, "pmra": 0.8}, facts)
    assert pulls == pytest.approx({"ra": 2.0, "dec": 0.0, "pmra": 2.0})


def test_turn_off_and_giants_of_a_drawn_sequence() -> None:
    magnitude = np.concatenate([np.linspace(16, 20, 400), np.linspace(13, 15.5, 30)])
    colour = np.concatenate([0.6 + 0.1 * (magnitude[:400] - 16), np.full(30, 1.2)])
    found = find_landmarks(colour, magnitude)
    assert found is not None
    assert found.end == "turns"
    assert found.bluest_g == pytest.approx(16.25, abs=0.05)
    assert found.bluest_bp_rp == pytest.approx(0.6, abs=0.03)
    assert (found.giants, found.giant_bp_rp) == (30, 1.2)
    assert find_landmarks(colour[:10], magnitude[:10]) is None


def test_a_main_sequence_is_followed_to_its_top_where_stars_are_few() -> None:
    magnitude = np.concatenate([np.linspace(13, 18, 500), np.linspace(10, 13, 20)])
    found = find_landmarks(0.1 * (magnitude - 9), magnitude)
    assert found is not None
    assert (found.end, found.giants) == ("top", 0)
    assert found.bluest_g < 11


def test_a_horizontal_branch_is_no_main_sequence() -> None:
    magnitude = np.concatenate([np.linspace(17, 18, 300), np.linspace(14.6, 17, 60), np.linspace(14, 14.5, 20)])
    colour = np.concatenate([np.linspace(0.9, 1.0, 300), np.full(60, 1.2), np.full(20, 0.2)])
    found = find_landmarks(colour, magnitude)
    assert found is not None
    assert found.end == "turns"
    assert found.bluest_bp_rp == pytest.approx(0.92, abs=0.02)


def test_giants_alone_have_no_turn_off() -> None:
    magnitude = np.linspace(12, 18, 200)
    found = find_landmarks(1.0 + 0.1 * (18 - magnitude), magnitude)
    assert found is not None
    assert found.end == "bottom"


def test_impossible_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="bootstrap"):
        Settings(bootstrap=0)
    with pytest.raises(ParameterError, match="test_fraction"):
        Settings(test_fraction=1.0)
    with pytest.raises(InputError, match="no table of stars"):
        Settings(external=str(tmp_path))
