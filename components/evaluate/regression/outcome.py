"""What model and baselines say about objects, and the objects that the model got most wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.scores import Floats, Predictions
from components.common.tables import Columns, column, read_batches, write_table
from components.evaluate.regression.baselines import LABELS, TRAINING_ROWS, Baselines, Spectra, coarsen
from components.evaluate.regression.redshift import velocity_km_s

WORST = 8
"""Spectra kept to be drawn."""

_CARRIED = ("id", "object_id", "zwarning", "is_bal", "sn_median")


class Model(Protocol):
    """What evaluation needs of a model, whoever trained it."""

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the spectra that it was trained on were prepared."""
        ...

    def predict(self, flux: npt.NDArray[np.float32], ivar: npt.NDArray[np.float32]) -> BinnedDistribution:
        """Predict from prepared spectra, both of shape (n, pixels)."""
        ...


@dataclass(frozen=True)
class Worst:
    """The spectra with the largest velocity errors, worst first.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        Which objects of the outcome they are.
    flux : ndarray, shape (k, pixels)
        Normalised; NaN where missing.
    distribution : BinnedDistribution
        What the model predicted for them.
    """

    rows: npt.NDArray[np.int64]
    flux: npt.NDArray[np.float32]
    distribution: BinnedDistribution


@dataclass(frozen=True)
class Outcome:
    """Predictions for n objects.

    Attributes
    ----------
    columns : dict of str to ndarray, shape (n,)
        Those of `FIELDS`, baselines included.
    worst : Worst
        To be drawn.
    """

    columns: Columns
    worst: Worst

    @property
    def predictions(self) -> Predictions:
        """The model's predictions, to be scored."""
        c = self.columns
        return Predictions(c["truth"], c["redshift"], c["pit"], c["crps"])

    @property
    def groups(self) -> npt.NDArray[Any]:
        """What to resample as a whole."""
        return self.columns["object_id"]

    @property
    def velocity_km_s(self) -> Floats:
        """Error of each prediction."""
        return velocity_km_s(self.columns["redshift"], self.columns["truth"])


FIELDS = (
    column("id", "string", "spectrum"),
    column("object_id", "string", "object on the sky"),
    column("zwarning", "int64", "warning bits of the survey's pipeline"),
    column("is_bal", "bool", "broad absorption lines"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    column("truth", "float64", "catalogue redshift"),
    column("redshift", "float64", "predicted: mean of the strongest peak"),
    column("sigma", "float64", "half the central 68.27 % interval"),
    column("low68", "float64", "lower end of that interval"),
    column("high68", "float64", "upper end of that interval"),
    column("pit", "float64", "predicted probability below the catalogue redshift"),
    column("crps", "float64", "continuous ranked probability score"),
    column("dv_km_s", "float64", "c (redshift - truth) / (1 + truth)", "km/s"),
    column("constant", "float64", "the constant with the best accuracy within 6000 km/s on the training rows"),
    *(column(name, "float64", f"redshift by {LABELS[name]}") for name in LABELS if name != "constant"),
)
"""Fields of `predictions.parquet`."""


def read_training(table: Path, step: float, seed: int) -> tuple[Spectra, Floats, Floats]:
    """Read what the baselines are fitted to: never more than `TRAINING_ROWS` spectra in memory.

    Parameters
    ----------
    table : Path
        A preprocessed data set.
    step : float
        Width of its pixels in log10 wavelength.
    seed : int
        Seed of the draw.

    Returns
    -------
    Spectra
        Drawn at random, in random order.
    ndarray
        Their redshifts.
    ndarray
        Redshifts of all training rows.
    """
    labels = [batch["redshift"] for batch in read_batches(table, ["redshift"], "train")]
    if not labels:
        raise InputError(
            f"{table} has no training row, so there is nothing to fit the baselines to.",
            "Preprocess with smaller fractions for validation and test.",
        )
    every = np.concatenate(labels)
    order = np.random.default_rng(seed).permutation(every.size)[:TRAINING_ROWS]
    chosen = np.zeros(every.size, dtype=bool)
    chosen[order] = True
    parts, begin = [], 0
    for batch in read_batches(table, ["flux", "ivar"], "train"):
        wanted = chosen[begin : begin + len(batch["flux"])]
        begin += len(batch["flux"])
        if wanted.any():
            parts.append(coarsen(batch["flux"][wanted], batch["ivar"][wanted], step))
    position = np.cumsum(chosen)[order] - 1
    flux, ivar = (np.concatenate([getattr(part, name) for part in parts])[position] for name in ("flux", "ivar"))
    return Spectra(flux, ivar, parts[0].step), every[order], every


def predict_batches(
    batches: Iterable[Columns], model: Model, baselines: Baselines, constant: float, step: float
) -> Outcome:
    """Run model and baselines on the same spectra, reading each once.

    Parameters
    ----------
    batches : iterable of Columns
        Prepared spectra with labels.
    model, baselines
        What to run.
    constant : float
        What the constant predictor says.
    step : float
        Width of the pixels in log10 wavelength.
    """
    parts: list[Columns] = []
    worst: Worst | None = None
    begin = 0
    for batch in batches:
        flux, ivar, truth = batch["flux"], batch["ivar"], np.asarray(batch["redshift"], dtype=np.float64)
        distribution = model.predict(flux, ivar)
        part = {name: batch[name] for name in _CARRIED} | _describe(distribution, truth)
        part["constant"] = np.full(truth.size, constant)
        part |= baselines.predict(coarsen(flux, ivar, step))
        parts.append(part)
        seen = Worst(begin + np.arange(truth.size), np.where(ivar > 0, flux, np.nan), distribution)
        size = np.abs(np.concatenate([p["dv_km_s"] for p in parts]))
        worst = _keep_worst(worst, seen, size)
        begin += truth.size
    if worst is None:
        raise InputError(
            "There is no spectrum to evaluate on.", "Preprocess with a larger test fraction, or ingest more rows."
        )
    return Outcome({name: np.concatenate([p[name] for p in parts]) for name in parts[0]}, worst)


def write_outcome(path: Path, outcome: Outcome, provenance: Provenance) -> None:
    """Write the predictions of model and baselines as a table."""
    write_table(path, FIELDS, outcome.columns, provenance)


def _describe(distribution: BinnedDistribution, truth: Floats) -> Columns:
    redshift = distribution.peak_value()
    low, high = distribution.interval(ONE_SIGMA)
    return {
        "truth": truth,
        "redshift": redshift,
        "sigma": (high - low) / 2,
        "low68": low,
        "high68": high,
        "pit": distribution.cdf(truth),
        "crps": distribution.crps(truth),
        "dv_km_s": velocity_km_s(redshift, truth),
    }


def _keep_worst(kept: Worst | None, seen: Worst, size: Floats) -> Worst:
    """Merge a batch into the worst so far; `size` is the error of all objects up to now."""
    if kept is not None:
        seen = Worst(
            np.concatenate([kept.rows, seen.rows]),
            np.concatenate([kept.flux, seen.flux]),
            BinnedDistribution.concatenate([kept.distribution, seen.distribution]),
        )
    order = np.argsort(-size[seen.rows], kind="stable")[:WORST]
    return Worst(seen.rows[order], seen.flux[order], seen.distribution[order])
