"""What model and baselines say about the test objects, and the objects that are worth a look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.scores import Floats
from components.common.scores_classification import ClassPredictions
from components.common.tables import Columns, column, write_table

WORST = 8
"""Objects kept to be drawn: those whose true class got the lowest probability, of the wrong ones."""

SAMPLE = 48
"""Objects of each class kept to ask what the network looks at."""

LABEL = "label"


class Model(Protocol):
    """What evaluation needs of a model, whoever trained it."""

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the data that it was trained on were prepared."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its classes, in the order of the probabilities."""
        ...

    def predict(self, *data: npt.NDArray[np.float32]) -> Any:
        """Predict the probabilities of the classes, shape (n, classes), from prepared data."""
        ...


class Baselines(Protocol):
    """Simpler methods, fitted to the training rows."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader by the methods' own; the first is the majority."""
        ...

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Probabilities of the classes, shape (n, classes), by method."""
        ...


@dataclass(frozen=True)
class Outcome:
    """Predictions for n objects.

    Attributes
    ----------
    classes : tuple of str
        Names.
    positive : int
        Index of the class that is looked for.
    columns : dict of str to ndarray, shape (n,)
        Carried over from the data set.
    truth : ndarray of int, shape (n,)
        Index of the true class.
    probability : ndarray, shape (n, classes)
        Of the model.
    baselines : dict of str to ndarray, shape (n, classes)
        Of the simpler methods.
    worst : ndarray of int, shape (k,)
        Rows of the objects that `worst_data` holds, worst first.
    worst_data : dict of str to ndarray
        Inputs of the model for these.
    sample : ndarray of int
        Rows of the objects that `sample_data` holds.
    sample_data : dict of str to ndarray
        Inputs of the model for these.
    """

    classes: tuple[str, ...]
    positive: int
    columns: Columns
    truth: npt.NDArray[np.int64]
    probability: Floats
    baselines: dict[str, Floats]
    worst: npt.NDArray[np.int64]
    worst_data: Columns
    sample: npt.NDArray[np.int64]
    sample_data: Columns

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def predictions(self) -> ClassPredictions:
        """The model's, to be scored."""
        return ClassPredictions(self.truth, self.probability, self.positive)

    def baseline(self, name: str) -> ClassPredictions:
        """Return a simpler method's, to be scored."""
        return ClassPredictions(self.truth, self.baselines[name], self.positive)


def predict_batches(
    batches: Iterable[Columns],
    model: Model,
    baselines: Baselines,
    inputs: Sequence[str],
    carried: Sequence[str],
    positive: str,
) -> Outcome:
    """Run model and baselines on the same objects, reading each once.

    Parameters
    ----------
    batches : iterable of Columns
        Prepared objects with a `label`.
    model, baselines
        What to run.
    inputs : sequence of str
        Columns that the model is given.
    carried : sequence of str
        Columns to keep.
    positive : str
        The class that is looked for.
    """
    gathered = _Gathered(model.classes, inputs)
    for batch in batches:
        truth = index_classes(batch[LABEL], model.classes)
        probability = model.predict(*(batch[name] for name in inputs))
        gathered.add(batch, truth, probability, baselines.predict(batch), carried)
    return gathered.outcome(model.classes.index(positive))


def index_classes(labels: npt.NDArray[Any], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Turn names of classes into their indices; an unknown one is an InputError."""
    unknown = sorted({str(label) for label in labels} - set(classes))
    if unknown:
        raise InputError(
            f"Objects are labelled {', '.join(unknown)}, but the model knows {', '.join(classes)}.",
            "Leave them out, or train on all classes that the data set has.",
        )
    index = {name: number for number, name in enumerate(classes)}
    return np.fromiter((index[str(label)] for label in labels), np.int64, len(labels))


class _Gathered:
    """What is kept of batches that go by."""

    def __init__(self, classes: tuple[str, ...], inputs: Sequence[str]):
        self.classes, self.inputs = classes, inputs
        self.parts: list[Columns] = []
        self.truth: list[npt.NDArray[np.int64]] = []
        self.probability: list[Floats] = []
        self.baselines: list[dict[str, Floats]] = []
        self.worst: list[tuple[float, int, Columns]] = []
        self.sample: list[tuple[int, Columns]] = []
        self.sampled = np.zeros(len(classes), dtype=np.int64)
        self.rows = 0

    def add(
        self,
        batch: Columns,
        truth: npt.NDArray[np.int64],
        probability: Floats,
        baselines: dict[str, Floats],
        carried: Sequence[str],
    ) -> None:
        self.parts.append({name: batch[name] for name in carried})
        self.truth.append(truth)
        self.probability.append(probability)
        self.baselines.append(baselines)
        of_truth = probability[np.arange(len(truth)), truth]
        wrong = np.flatnonzero(probability.argmax(axis=1) != truth)
        for row in wrong[np.argsort(of_truth[wrong], kind="stable")][:WORST]:
            self.worst.append((float(of_truth[row]), self.rows + int(row), self._of(batch, int(row))))
        self.worst = sorted(self.worst, key=lambda entry: entry[:2])[:WORST]
        for row, index in enumerate(truth):
            if self.sampled[index] < SAMPLE:
                self.sampled[index] += 1
                self.sample.append((self.rows + row, self._of(batch, row)))
        self.rows += len(truth)

    def outcome(self, positive: int) -> Outcome:
        if not self.rows:
            raise InputError(
                "There is no object to evaluate on.",
                "Preprocess with a larger test fraction, or ingest more rows.",
            )
        return Outcome(
            self.classes,
            positive,
            {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]},
            np.concatenate(self.truth),
            np.concatenate(self.probability),
            {name: np.concatenate([part[name] for part in self.baselines]) for name in self.baselines[0]},
            np.array([row for _, row, _ in self.worst], dtype=np.int64),
            self._stack([data for *_, data in self.worst]),
            np.array([row for row, _ in self.sample], dtype=np.int64),
            self._stack([data for _, data in self.sample]),
        )

    def _of(self, batch: Columns, row: int) -> Columns:
        return {name: batch[name][row].copy() for name in self.inputs}

    def _stack(self, rows: list[Columns]) -> Columns:
        return {name: np.stack([row[name] for row in rows]) for name in self.inputs} if rows else {}


def write_outcome(path: Path, outcome: Outcome, fields: Sequence[Any], provenance: Provenance) -> None:
    """Write the predictions of model and baselines as a table.

    Parameters
    ----------
    path : Path
        Parquet file.
    outcome : Outcome
        What to write.
    fields : sequence of pyarrow.Field
        Of the carried columns.
    provenance : Provenance
        Of the data.
    """
    names = np.array(outcome.classes, dtype=object)
    every = {"model": outcome.probability, **outcome.baselines}
    columns: Columns = {
        **outcome.columns,
        "truth": names[outcome.truth],
        "predicted": names[outcome.predictions.predicted],
        **{
            f"{probability_column(name, of)}": values[:, k]
            for of, values in every.items()
            for k, name in enumerate(outcome.classes)
        },
    }
    own = [
        column("truth", "string", "true class"),
        column("predicted", "string", "most probable class"),
        *(
            column(probability_column(name, of), "float64", f"probability of {name} by {of}")
            for of in every
            for name in outcome.classes
        ),
    ]
    write_table(path, [*fields, *own], columns, provenance, {"classes": list(outcome.classes)})


def probability_column(name: str, of: str = "model") -> str:
    """Name the column of `predictions.parquet` that holds the probability of a class."""
    return f"probability_{name}" if of == "model" else f"{of}_probability_{name}"
