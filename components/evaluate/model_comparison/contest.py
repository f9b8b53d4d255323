"""All models and baselines on the same test rows, each row read once."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.scores import Floats, Predictions, Score, score
from components.common.tables import Columns, read_batches, read_table
from components.evaluate.model_comparison.scores import MAGNITUDE, REDSHIFT
from components.evaluate.regression.baselines import coarsen
from components.evaluate.regression.constant import score_constant
from components.evaluate.regression.rest_templates import Templates, fit_templates
from components.evaluate.regression.template_scan import scan
from components.train.regressors.features import COLUMNS, group_column
from components.train.regressors.inference import RegressorModel

TEMPLATE_ROWS = 2000
"""Most training spectra that the templates of the scan are made of."""

_TEMPLATES, _POLYNOMIAL_TERMS = 5, 3
LABELS = ("id", "object_id", "group", "redshift", "magnitude_r", "sn_median")
"""Of each row; `group` is what was split as a whole, and is resampled as a whole."""


def spelt(name: str) -> str:
    """Spell the name of a model, or of a kind of them, for a reader."""
    return " ".join(word.upper() if word in ("pca", "svr") else word for word in name.split())


@dataclass(frozen=True)
class Entry:
    """What one model says about n test objects.

    Attributes
    ----------
    model : RegressorModel or None
        None for a baseline.
    name : str
        As in `metrics.json`.
    columns : dict of str to ndarray, shape (n,)
        `redshift`, `sigma`, `low68`, `high68`, `pit`, `crps`, and the same of `magnitude_r` with that prefix; a
        baseline has `redshift` alone.
    """

    model: RegressorModel | None
    name: str
    columns: Columns

    @property
    def title(self) -> str:
        """Its name for a reader."""
        return spelt(self.name)

    def redshift(self, truth: Floats) -> Predictions:
        """Return the predictions of redshift, to be scored."""
        c = self.columns
        if "pit" not in c:
            return Predictions.of_points(truth, c["redshift"])
        return Predictions(truth, c["redshift"], c["pit"], c["crps"])

    def magnitude(self, truth: Floats) -> Predictions:
        """Return the predictions of the magnitude, to be scored."""
        c = self.columns
        return Predictions(truth, c["magnitude_r"], c["magnitude_r_pit"], c["magnitude_r_crps"])


@dataclass(frozen=True)
class Contest:
    """The test rows, and what everybody says about them.

    Attributes
    ----------
    labels : dict of str to ndarray, shape (n,)
        Of the test rows.
    training : dict of str to ndarray
        `redshift` and `magnitude_r` of the training rows, on which constants are chosen.
    entries : list of Entry
        The learned models, in the order given.
    template_scan : Entry
        The physics baseline.
    scan_cpu_seconds_per_1000 : float
        What it costs.
    """

    labels: Columns
    training: Columns
    entries: list[Entry]
    template_scan: Entry
    scan_cpu_seconds_per_1000: float

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Contest":
        """Return some of the rows."""
        return Contest(
            _take(self.labels, rows),
            self.training,
            [replace(entry, columns=_take(entry.columns, rows)) for entry in self.entries],
            replace(self.template_scan, columns=_take(self.template_scan.columns, rows)),
            self.scan_cpu_seconds_per_1000,
        )

    @property
    def has_magnitudes(self) -> bool:
        """Whether the magnitude of every row is known."""
        return bool(np.isfinite(self.labels["magnitude_r"]).all())

    def scores(self, entry: Entry, resamples: int, seed: int) -> dict[str, Score]:
        """Score an entry; a baseline of redshifts has no scores of magnitudes, nor have rows without one."""
        groups = self.labels["group"]
        found = score(REDSHIFT, entry.redshift(self.labels["redshift"]), groups, resamples, seed)
        if entry.model is not None and self.has_magnitudes:
            found |= score(MAGNITUDE, entry.magnitude(self.labels["magnitude_r"]), groups, resamples, seed)
        return found

    def constant_scores(self, resamples: int, seed: int) -> dict[str, Score]:
        """Score the best constants."""
        groups = self.labels["group"]
        judged = [(REDSHIFT, "redshift"), *([(MAGNITUDE, "magnitude_r")] if self.has_magnitudes else [])]
        return {
            name: value
            for definitions, target in judged
            for name, value in score_constant(
                definitions, self.training[target], self.labels[target], groups, resamples, seed
            ).items()
        }


@dataclass(frozen=True)
class Contenders:
    """Who takes part: the learned models, and the templates that the training spectra gave.

    Attributes
    ----------
    models : sequence of RegressorModel
        All prepared alike.
    templates : Templates
        Of the physics baseline.
    step : float
        Width of a pixel in log10 wavelength.
    training : dict of str to ndarray
        `redshift` and `magnitude_r` of the training rows.
    """

    models: Sequence[RegressorModel]
    templates: Templates
    step: float
    training: Columns

    @classmethod
    def gather(cls, table: Path, models: Sequence[RegressorModel], step: float, seed: int) -> "Contenders":
        """Learn from the training rows of a preprocessed data set what the models do not bring along.

        `seed` draws the spectra that the templates are made of.
        """
        training = read_table(table, ["redshift", "magnitude_r"], "train")
        if not training["redshift"].size:
            raise InputError(f"{table} has no training row.", "Preprocess with smaller fractions for testing.")
        templates = _learn_templates(table, step, training["redshift"].size, seed)
        return cls(models, templates, step, training)

    def answer(self, batches: Iterable[Columns]) -> Contest:
        """Have all of them answer for prepared and labelled spectra, each batch read once."""
        labels: list[Columns] = []
        seconds: list[float] = []
        parts: list[list[Columns]] = [[] for _ in range(len(self.models) + 1)]
        for batch in batches:
            labels.append({name: batch[name] for name in LABELS})
            truth = np.column_stack([batch["redshift"], batch["magnitude_r"]])
            for part, model in zip(parts, self.models, strict=False):
                part.append(_describe(model, batch, truth))
            begin = time.process_time()
            spectra = coarsen(batch["flux"], batch["ivar"], self.step)
            found = scan(spectra.flux, spectra.ivar, [self.templates], _POLYNOMIAL_TERMS)
            seconds.append(time.process_time() - begin)
            parts[-1].append({"redshift": found.redshift})
        if not labels:
            raise InputError(
                "There is no spectrum to evaluate on.",
                "Preprocess with a larger test fraction, or ingest more rows.",
            )
        joined = [_join(part) for part in parts]
        entries = [Entry(model, model.name, columns) for model, columns in zip(self.models, joined, strict=False)]
        rows = _join(labels)
        scanned = Entry(None, "template scan", joined[-1])
        return Contest(rows, self.training, entries, scanned, 1000 * sum(seconds) / len(rows["id"]))


def test_rows(table: Path) -> Iterator[Columns]:
    """Read what `Contenders.answer` needs of the test rows."""
    groups = group_column(table)
    for batch in read_batches(table, sorted({*LABELS, *COLUMNS} - {"group"} | {groups}), "test"):
        yield {**batch, "group": batch[groups]}


def _describe(model: RegressorModel, batch: Columns, truth: Floats) -> Columns:
    columns: Columns = {}
    for name, answer in model.predict(batch, truth).items():
        prefix = "" if name == "redshift" else f"{name}_"
        assert answer.pit is not None
        assert answer.crps is not None
        columns |= {
            name: answer.value,
            f"{prefix}sigma": answer.sigma,
            f"{prefix}low68": answer.low68,
            f"{prefix}high68": answer.high68,
            f"{prefix}pit": answer.pit,
            f"{prefix}crps": answer.crps,
        }
    return columns


def _learn_templates(table: Path, step: float, rows: int, seed: int) -> Templates:
    chosen = np.zeros(rows, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(rows)[:TEMPLATE_ROWS]] = True
    parts, begin = [], 0
    for batch in read_batches(table, ["flux", "ivar", "redshift"], "train"):
        wanted = chosen[begin : begin + len(batch["redshift"])]
        begin += len(wanted)
        parts.append({name: values[wanted] for name, values in batch.items()})
    drawn = _join(parts)
    spectra = coarsen(drawn["flux"], drawn["ivar"], step)
    return fit_templates(
        spectra.flux, spectra.ivar, drawn["redshift"], spectra.step, _TEMPLATES, _POLYNOMIAL_TERMS
    )


def _take(columns: Columns, rows: npt.NDArray[Any]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


def _join(parts: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
