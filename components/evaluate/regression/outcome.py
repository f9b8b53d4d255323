"""What model and baselines say about objects, and the objects that the model got most wrong."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.scores import Floats, Predictions
from components.common.tables import Columns, column, write_table

if TYPE_CHECKING:
    from components.evaluate.regression.kinds import Kind

WORST = 8
"""Objects kept to be drawn."""


class Model(Protocol):
    """What evaluation needs of a model, whoever trained it."""

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the data that it was trained on were prepared."""
        ...

    def predict(self, *data: npt.NDArray[Any]) -> BinnedDistribution:
        """Predict from prepared data, each of shape (n, ...)."""
        ...


class Baselines(Protocol):
    """Simpler methods, fitted to the training rows."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader by the methods' own, without the constant, which is always there."""
        ...

    @property
    def training_truth(self) -> Floats:
        """Labels of all training rows, by which constants are chosen."""
        ...

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Redshifts of shape (n,) by method."""
        ...


@dataclass(frozen=True)
class Measure:
    """How the size of an error is told.

    Attributes
    ----------
    name : str
        Column of `predictions.parquet`.
    description, unit : str
        Of the column.
    of : callable
        Takes predicted and true values, returns the signed error.
    """

    name: str
    description: str
    unit: str
    of: Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Worst:
    """The objects with the largest errors, worst first.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        Which objects of the outcome they are.
    data : dict of str to ndarray, shape (k, ...)
        What the model was given.
    distribution : BinnedDistribution
        What it predicted.
    """

    rows: npt.NDArray[np.int64]
    data: Columns
    distribution: BinnedDistribution


@dataclass(frozen=True)
class Outcome:
    """Predictions for n objects.

    Attributes
    ----------
    columns : dict of str to ndarray, shape (n,)
        As of `fields`.
    kind : Kind
        What the objects are.
    labels : dict of str to str
        Names of the baselines for a reader, the constant first.
    worst : Worst
        To be drawn.
    stacked : BinnedDistribution of one row
        Mean of all predicted distributions: how many objects there are at each redshift, as predicted.
    sample : dict of str to ndarray, shape (k, ...)
        What the model was given of the first `Kind.sample` objects.
    """

    columns: Columns
    kind: "Kind"
    labels: Mapping[str, str]
    worst: Worst
    stacked: BinnedDistribution
    sample: Columns

    @property
    def predictions(self) -> Predictions:
        """The model's predictions, to be scored."""
        c = self.columns
        return Predictions(c["truth"], c["redshift"], c["pit"], c["crps"])

    @property
    def groups(self) -> npt.NDArray[Any]:
        """What to resample as a whole."""
        return self.columns[self.kind.group]

    @property
    def errors(self) -> Floats:
        """Error of each prediction, as the kind tells it."""
        return np.asarray(self.columns[self.kind.measure.name])


def predict_batches(
    batches: Iterable[Columns], model: Model, baselines: Baselines, constant: float, kind: "Kind"
) -> Outcome:
    """Run model and baselines on the same objects, reading each once.

    Parameters
    ----------
    batches : iterable of Columns
        Prepared objects with a `redshift`.
    model, baselines
        What to run.
    constant : float
        What the constant predictor says.
    kind : Kind
        What the objects are.
    """
    carried, size = [field.name for field in kind.fields], kind.measure.name
    parts: list[Columns] = []
    samples: list[Columns] = []
    worst: Worst | None = None
    total: npt.NDArray[Any] = np.zeros(())
    begin = 0
    for batch in batches:
        truth = np.asarray(batch["redshift"], dtype=np.float64)
        data = {name: batch[name] for name in kind.inputs}
        distribution = model.predict(*data.values())
        part = {name: batch[name] for name in carried} | _describe(distribution, truth, kind)
        part["constant"] = np.full(truth.size, constant)
        part |= baselines.predict(batch)
        parts.append(part)
        seen = Worst(begin + np.arange(truth.size), data, distribution)
        worst = _keep_worst(worst, seen, np.abs(np.concatenate([p[size] for p in parts])))
        samples.append({name: values[: max(0, kind.sample - begin)].copy() for name, values in data.items()})
        total = total + np.diff(distribution.cumulative, axis=1).sum(axis=0)
        begin += truth.size
    if worst is None:
        raise InputError(
            "There is no object to evaluate on.", "Preprocess with a larger test fraction, or ingest more rows."
        )
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    return Outcome(
        columns,
        kind,
        {"constant": "best constant", **baselines.labels},
        worst,
        BinnedDistribution(worst.distribution.edges, (total / begin)[None].astype(np.float32)),
        {name: np.concatenate([s[name] for s in samples]) for name in samples[0]},
    )


def fields(outcome: Outcome) -> list[Any]:
    """Fields of `predictions.parquet`."""
    kind = outcome.kind
    return [
        *kind.fields,
        column("truth", "float64", "catalogue redshift"),
        column("redshift", "float64", f"predicted: {kind.point_name}"),
        column("sigma", "float64", "half the central 68.27 % interval"),
        column("low68", "float64", "lower end of that interval"),
        column("high68", "float64", "upper end of that interval"),
        column("pit", "float64", "predicted probability below the catalogue redshift"),
        column("crps", "float64", "continuous ranked probability score"),
        column(kind.measure.name, "float64", kind.measure.description, kind.measure.unit),
        column("constant", "float64", f"the constant with the best {kind.headline} on the training rows"),
        *(
            column(name, "float64", f"redshift by {label}")
            for name, label in outcome.labels.items()
            if name != "constant"
        ),
    ]


def write_outcome(path: Path, outcome: Outcome, provenance: Provenance) -> None:
    """Write the predictions of model and baselines as a table."""
    write_table(path, fields(outcome), outcome.columns, provenance)


def _describe(distribution: BinnedDistribution, truth: Floats, kind: "Kind") -> Columns:
    redshift = kind.point(distribution)
    low, high = distribution.interval(ONE_SIGMA)
    return {
        "truth": truth,
        "redshift": redshift,
        "sigma": (high - low) / 2,
        "low68": low,
        "high68": high,
        "pit": distribution.cdf(truth),
        "crps": distribution.crps(truth),
        kind.measure.name: kind.measure.of(redshift, truth),
    }


def _keep_worst(kept: Worst | None, seen: Worst, size: Floats) -> Worst:
    """Merge a batch into the worst so far; `size` is the error of all objects up to now."""
    if kept is not None:
        seen = Worst(
            np.concatenate([kept.rows, seen.rows]),
            {name: np.concatenate([values, seen.data[name]]) for name, values in kept.data.items()},
            BinnedDistribution.concatenate([kept.distribution, seen.distribution]),
        )
    order = np.argsort(-size[seen.rows], kind="stable")[:WORST]
    return Worst(
        seen.rows[order], {name: values[order] for name, values in seen.data.items()}, seen.distribution[order]
    )
