"""The evaluate stage for reconstructions: scale by scale, beside physics and beside a plain network."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.resampling import bootstrap_weights
from components.common.scores import INTERVAL_LEVEL, Score, score, to_json
from components.common.tables import column, count_rows, read_batches, read_provenance, tensor_column, write_table
from components.common.telemetry import stage
from components.evaluate.metrics_file import publish_metrics
from components.evaluate.reconstruction.measuring import (
    BASELINES,
    NETWORK,
    Measurements,
    measure,
    rows_for_testing,
)
from components.evaluate.reconstruction.scores import (
    BAND_NAMES,
    EDGES,
    HEADLINE,
    MEANINGFUL,
    OF_METHODS,
    SCORES,
    Measured,
)
from components.evaluate.training_section import read_history

if TYPE_CHECKING:
    from components.train.variational_autoencoder.inference import Reconstruction

Floats = npt.NDArray[np.float64]

_FIELDS = (
    column("id", "string", "simulation and axis"),
    column("simulation_id", "string", "what is resampled as a whole"),
    *(
        tensor_column(name, (len(EDGES) - 1,), text, dtype="float64")
        for name, text in (
            ("truth", "squared amplitudes of the true initial maps, by bin of wavenumber"),
            ("power", "of the reconstructed ones"),
            ("cross", "of one times the other"),
            ("spread", "of the samples around their mean"),
        )
    ),
)


@dataclass(frozen=True)
class Settings:
    """How to evaluate.

    Attributes
    ----------
    title, slug : str
        Of the report, and of the exercise.
    samples : int
        Samples drawn for each test box.
    bootstrap : int
        Resamples of the simulations for the intervals.
    external : str
        Folder of simulations by others to validate on besides, in CAMELS' layout; empty for none.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the external files changed.
    seed : int
        Of samples and resamples.
    """

    title: str = "Initial conditions"
    slug: str = "initial-conditions"
    samples: int = 16
    bootstrap: int = 1000
    external: str = ""
    data_version: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.bootstrap < 1 or self.samples < 2:
            raise ParameterError(
                "bootstrap is at least 1, and samples at least 2: one sample has no spread.",
                "Give larger numbers.",
            )
        if self.external and not Path(self.external).expanduser().is_dir():
            raise InputError(
                f"There is no folder {self.external}.",
                "Set external to a folder of simulations, or leave it empty.",
            )


@dataclass(frozen=True)
class Bands:
    """Correlation, transfer and calibration of one method in each band, with intervals; shape (bands, 3).

    Attributes
    ----------
    correlation, transfer : ndarray
        Value, low and high.
    calibration : ndarray
        NaN for methods without samples.
    """

    correlation: Floats
    transfer: Floats
    calibration: Floats


@dataclass(frozen=True)
class Margin:
    """How far the network's correlation is above that of the best baseline in one band, on the same boxes.

    Attributes
    ----------
    best : str
        The baseline.
    value, low, high : float
        Difference, and its interval from resamples of both together.
    """

    best: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outcome:
    """All that the report tells.

    Attributes
    ----------
    provenance : Provenance
        Of the data.
    measured : Measurements
        Of the test boxes.
    scores : dict of str to Score
        Of the network.
    baselines : dict of str to dict of str to Score
        By method.
    maps, boxes : dict of str to Bands
        By method: in slab maps, and in three dimensions.
    margins : list of Margin or None
        By band of the maps; None where nothing correlates.
    model : Reconstruction
        What was evaluated.
    """

    provenance: Provenance
    measured: Measurements
    scores: dict[str, Score]
    baselines: dict[str, dict[str, Score]]
    maps: dict[str, Bands]
    boxes: dict[str, Bands]
    margins: list[Margin | None]
    model: "Reconstruction"


def evaluate(dataset: Path, model: Path, output: Path, settings: Settings) -> dict[str, Any]:
    """Evaluate reconstructed initial fields.

    Parameters
    ----------
    dataset : Path
        Folder that preprocess wrote.
    model : Path
        Folder that train wrote.
    output : Path
        Folder for `metrics.json`, `predictions.parquet` and `report.html`.
    settings : Settings
        How to evaluate.

    Returns
    -------
    dict
        What `metrics.json` holds.
    """
    from components.evaluate.reconstruction.report import write_report  # matplotlib is slow to import
    from components.train.variational_autoencoder.inference import load_model  # and so is torch

    with stage("evaluate", output):
        table = dataset / "dataset.parquet"
        network = load_model(model)
        tested = sum(len(batch["split"]) for batch in read_batches(table, ["split"], "test"))
        measured = measure(rows_for_testing(table), tested, network, settings.samples, settings.seed)
        outcome = judge(measured, network, read_provenance(table), settings)
        external = _validate(network, table, settings) if settings.external else None
        output.mkdir(parents=True, exist_ok=True)
        _write_predictions(output / "predictions.parquet", outcome)
        history = {name: read_history(model / f"{name}.json") for name in ("history", "history_plain_unet")}
        write_report(output / "report.html", outcome, external, history, settings.title, settings.slug)
        return publish_metrics(output, _gather(outcome, external), count_rows(table), len(measured.ids))


def judge(measured: Measurements, model: "Reconstruction", provenance: Provenance, settings: Settings) -> Outcome:
    """Score what was measured, in bands that the boxes have waves of; simulations are resampled as a whole."""

    def scored(definitions: Any, name: str) -> dict[str, Score]:
        found = score(definitions, measured.maps[name], measured.groups, settings.bootstrap, settings.seed)
        return {key: own for key, own in found.items() if np.isfinite(own.value)}

    scores = scored(SCORES, NETWORK)
    if HEADLINE not in scores:
        raise InputError(
            f"Boxes of {measured.box_size:g} Mpc/h on this grid have no waves of {BAND_NAMES[1]} h/Mpc, by which "
            "reconstructions are judged.",
            "Choose another box_size_mpc_h, or a finer grid.",
        )
    baselines = {name: scored(OF_METHODS, name) for name in BASELINES if name in measured.maps}
    weights = np.concatenate(list(bootstrap_weights(measured.groups, settings.bootstrap, settings.seed)))
    maps, boxes = (
        {name: _bands(own, weights) for name, own in view.items()} for view in (measured.maps, measured.boxes)
    )
    margins = _margins(measured, list(baselines), weights)
    return Outcome(provenance, measured, scores, baselines, maps, boxes, margins, model)


def _margins(measured: Measurements, baselines: list[str], weights: Floats) -> list[Margin | None]:
    ones = np.ones((1, len(measured.ids)))
    tail = 100 * (1 - INTERVAL_LEVEL) / 2
    banded = {name: measured.maps[name].in_bands() for name in (NETWORK, *baselines)}
    values = {name: own.correlation(ones)[0] for name, own in banded.items()}
    found: list[Margin | None] = []
    for band in range(len(BAND_NAMES)):
        best = max(baselines, key=lambda name: float(values[name][band]))
        if not max(values[best][band], values[NETWORK][band]) > MEANINGFUL:  # nor where there are no waves
            found.append(None)
            continue
        drawn = banded[NETWORK].correlation(weights)[:, band] - banded[best].correlation(weights)[:, band]
        low, high = np.percentile(drawn, [tail, 100 - tail])
        value = values[NETWORK][band] - values[best][band]
        found.append(Margin(best, float(value), float(low), float(high)))
    return found


def _validate(model: "Reconstruction", table: Path, settings: Settings) -> Outcome:
    from components.evaluate.reconstruction.external import validate  # HDF5

    learnt = {
        str(name)
        for batch in read_batches(table, ["simulation_id", "split"])
        for name in batch["simulation_id"][batch["split"] != "test"]
    }
    found = validate(settings.external, model, settings.samples, settings.seed, learnt)
    return judge(found.measured, model, found.provenance, settings)


def _bands(measured: Measured, weights: Floats) -> Bands:
    banded = measured.in_bands()
    ones = np.ones((1, len(measured)))
    tail = 100 * (1 - INTERVAL_LEVEL) / 2

    def with_interval(compute: Any) -> Floats:
        drawn = np.percentile(compute(weights), [tail, 100 - tail], axis=0)
        return np.column_stack([compute(ones)[0], *drawn])

    return Bands(*(with_interval(f) for f in (banded.correlation, banded.transfer, banded.calibration)))


def _write_predictions(path: Path, outcome: Outcome) -> None:
    measured = outcome.measured
    own = measured.maps[NETWORK]
    columns = {"id": measured.ids, "simulation_id": measured.groups}
    columns |= {name: getattr(own, name) for name in ("truth", "power", "cross", "spread")}
    write_table(path, _FIELDS, columns, outcome.provenance)


def _gather(outcome: Outcome, external: Outcome | None) -> dict[str, Any]:
    """Arrange everything as `metrics.json`."""
    measured = outcome.measured
    return {
        "origin": outcome.provenance.origin,
        "target": "initial",
        "headline": HEADLINE,
        "interval": INTERVAL_LEVEL,
        "rows": {"test": len(measured.ids), "simulations": int(np.unique(measured.groups).size)},
        "scores": to_json(outcome.scores),
        "baselines": {name: to_json(scores) for name, scores in outcome.baselines.items()},
        "external": to_json(external.scores) if external else {},
        "external_baselines": {n: to_json(s) for n, s in external.baselines.items()} if external else {},
        "external_provenance": dataclasses.asdict(external.provenance) if external else None,
        "bands": {
            "names": list(BAND_NAMES),
            "maps": {name: _band_json(bands) for name, bands in outcome.maps.items()},
            "boxes": {name: _band_json(bands) for name, bands in outcome.boxes.items()},
            "margins": [None if margin is None else dataclasses.asdict(margin) for margin in outcome.margins],
        },
        "curves": {
            "edges": list(EDGES),
            "maps": {name: _curve_json(own) for name, own in measured.maps.items()},
            "boxes": {name: _curve_json(own) for name, own in measured.boxes.items()},
            "ranks": measured.ranks.tolist(),
        },
        "latents": outcome.model.record["latents"],
        "latent_share": outcome.model.record["latent_share"],
        "provenance": dataclasses.asdict(outcome.provenance),
    }


def _band_json(bands: Bands) -> dict[str, Any]:
    return {f.name: _finite(getattr(bands, f.name)) for f in dataclasses.fields(bands)}


def _curve_json(measured: Measured) -> dict[str, Any]:
    ones = np.ones((1, len(measured)))
    return {
        "correlation": _finite(measured.correlation(ones)[0]),
        "transfer": _finite(measured.transfer(ones)[0]),
        "calibration": _finite(measured.calibration(ones)[0]),
    }


def _finite(values: Floats) -> Any:
    """Return nested lists with None for what is not a number, as JSON has it."""
    return [_finite(row) for row in values] if values.ndim > 1 else [_or_none(float(v)) for v in values]


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
