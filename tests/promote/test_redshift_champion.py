"""Real networks as champions: applied to raw spectra through their own preprocessing."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError
from components.common.files import read_json, write_json
from components.common.scores import Predictions
from components.common.store import Store
from components.common.tables import column, read_provenance, read_table, write_table
from components.ingest.sdss_spectra.ingestion import Settings as Ingest
from components.ingest.sdss_spectra.ingestion import ingest
from components.preprocess.spectra.preprocessing import Settings as Preprocess
from components.preprocess.spectra.preprocessing import preprocess
from components.promote.champion.answers import Answers
from components.promote.champion.outputs import show
from components.promote.champion.promotion import Settings, promote
from components.promote.champion.redshifts import apply_conv1d, read_redshifts
from components.train.conv1d.inference import load_model
from components.train.conv1d.training import Settings as Train
from components.train.conv1d.training import train

FIELDS = [
    column("id", "string", ""),
    column("object_id", "string", ""),
    *(column(name, "float64", "") for name in ("truth", "redshift", "pit", "crps")),
]
SETTINGS = Settings("quasar-redshift", bootstrap=100, run="run-1")


class Numbers:
    """A `kfp.dsl.Metrics`, as far as a stage uses it."""

    def __init__(self, path: Path):
        self.path, self.logged = str(path), dict[str, float]()

    def log_metric(self, metric: str, value: float) -> None:
        self.logged[metric] = value


def work(folder: Path, source: Path, preparation: Preprocess, seed: int) -> tuple[Path, Path, Path]:
    """Run preprocess and train, and write of an evaluation what promote reads."""
    preprocess(source, folder / "prepared", preparation)
    train(folder / "prepared", folder / "model", Train(channels=[4, 4, 4], epochs=1, templates=4, seed=seed))
    table = folder / "prepared" / "dataset.parquet"
    rows = read_table(table, ["id", "object_id", "redshift", "flux", "ivar"], "test")
    distribution = load_model(folder / "model").predict(rows["flux"], rows["ivar"])
    found = Predictions.of_distributions(rows["redshift"], distribution.peak_value(), distribution)
    answers = {"id": rows["id"], "object_id": rows["object_id"], "truth": found.truth, "redshift": found.value}
    provenance = read_provenance(table)
    (folder / "results").mkdir()
    write_table(
        folder / "results" / "predictions.parquet",
        FIELDS,
        {**answers, "pit": found.pit, "crps": found.crps},
        provenance,
    )
    score = {"value": 0.2, "low": 0.1, "high": 0.3}
    metrics = {"origin": "simulated", "headline": "accuracy_6000_km_s", "provenance": vars(provenance)}
    metrics["scores"] = {"accuracy_6000_km_s": score}
    write_json(folder / "results" / "metrics.json", metrics)
    return source, folder / "model", folder / "results"


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path, Path]]:
    """Two models of the same spectra, prepared differently but split alike."""
    folder = tmp_path_factory.mktemp("two-runs")
    ingest(folder / "source", Ingest("simulated", rows=240, seed=2))
    coarse = Preprocess(bin_pixels=32, validation_fraction=0.15, test_fraction=0.25, normalisation="minmax")
    fine = Preprocess(bin_pixels=16, validation_fraction=0.15, test_fraction=0.25)
    return [
        work(folder / f"{p.bin_pixels}", folder / "source", p, seed) for seed, p in enumerate((coarse, fine), 1)
    ]


def test_a_champion_answers_for_raw_spectra_as_it_did_for_its_own(two_runs: list[tuple[Path, Path, Path]]) -> None:
    source, model, results = two_runs[0]
    own = read_redshifts(results)
    applied = apply_conv1d(model, source, own)
    assert applied.rows.tolist() == list(range(len(own)))
    for name in ("truth", "value", "pit", "crps"):
        # the order of the batches, and with it the rounding in float32, may differ
        assert np.allclose(
            getattr(applied.predictions, name), getattr(own.predictions, name), rtol=1e-4, atol=1e-5
        )


def test_models_prepared_differently_are_compared_on_the_same_objects(
    configured: Store, two_runs: list[tuple[Path, Path, Path]], tmp_path: Path
) -> None:
    promote(*two_runs[0], SETTINGS)
    decision = promote(*two_runs[1], SETTINGS)
    own = read_redshifts(two_runs[1][2])
    assert decision.outcome in ("better", "not better")
    assert decision.comparison is not None
    assert decision.comparison.objects == len(own)
    inside = (
        np.abs(own.predictions.value - own.predictions.truth) / (1 + own.predictions.truth) < 6000 / 299792.458
    )
    assert decision.comparison.challenger.value == pytest.approx(inside.mean())

    numbers, page = Numbers(tmp_path / "new" / "decision"), Numbers(tmp_path / "new" / "page")
    show(decision, two_runs[1][2], numbers, page)
    assert numbers.logged["objects"] == len(own)
    assert {"champion", "challenger", "difference", "low", "high", "promoted"} <= set(numbers.logged)
    assert read_json(Path(numbers.path))["summary"] == decision.summary
    text = Path(page.path).read_text(encoding="utf-8")
    assert text.lstrip().startswith("<!doctype html>")
    assert "Simulated data:" in text
    assert decision.before is not None
    assert decision.before.version in text
    assert str(decision.challenger and decision.challenger.version) in text


def test_the_page_of_a_first_model_is_written_too(
    configured: Store, two_runs: list[tuple[Path, Path, Path]], tmp_path: Path
) -> None:
    decision = promote(*two_runs[0], SETTINGS)
    numbers, page = Numbers(tmp_path / "decision"), Numbers(tmp_path / "page")
    show(decision, two_runs[0][2], numbers, page)
    assert numbers.logged == {"challenger": 0.2, "promoted": 1.0, "objects": 0.0}
    assert "The first champion" in Path(page.path).read_text(encoding="utf-8")


def test_raw_data_of_another_run_are_refused(two_runs: list[tuple[Path, Path, Path]]) -> None:
    source, model, results = two_runs[0]
    own = read_redshifts(results)
    foreign = Answers(np.array([f"other-{n}" for n in range(len(own))], object), own.groups, own.predictions)
    with pytest.raises(InputError, match=r"Of .* spectra that were tested, 0 are in"):
        apply_conv1d(model, source, foreign)
