"""From final slices to what the networks are shown, on one scale; fitted on training rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.tables import (
    Columns,
    TableWriter,
    column,
    count_rows,
    read_batches,
    read_provenance,
    tensor_column,
)
from components.common.telemetry import report_progress
from components.physics.mode_spectra import resample_grid
from components.train.variational_autoencoder.inputs import (
    FIELDS,
    NUMBERS,
    Field,
    Geometry,
    Shown,
    Wiener,
    look_at,
    normal_equations,
)
from components.train.variational_autoencoder.slices import overdensity_of

_STEEP = tuple(
    number for number, name in enumerate(FIELDS) if "iterative" not in name and "reconstruction" not in name
)
"""Fields with tails so long that a few cells would outweigh the rest."""

_STEEPNESS = 3.0
_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class Preparation:
    """All that it takes to show final slices to a network.

    Attributes
    ----------
    geometry : Geometry
        Of the grids.
    estimate : Wiener
        Linear estimate from the density and all its reconstructions.
    filtered : Wiener
        That from the density alone: the smoothing that Wiener would choose.
    fine : tuple of float
        Mean and standard deviation of the logarithmic density.
    coarse : tuple of float
        Root mean square of each of `FIELDS`.
    summary : tuple of tuple of float
        Mean and standard deviation of each number that describes the box.
    """

    geometry: Geometry
    estimate: Wiener
    filtered: Wiener
    fine: tuple[float, ...]
    coarse: tuple[float, ...]
    summary: tuple[tuple[float, ...], tuple[float, ...]]

    def inputs(self, final: npt.NDArray[np.floating]) -> dict[str, Field]:
        """Columns of `objective.INPUTS` for final overdensities, shape (rows, slabs, rows, columns)."""
        return self.scaled(look_at(final, self.geometry))

    def scaled(self, shown: Shown) -> dict[str, Field]:
        """Put what was derived on the scale of the training rows; the linear estimate comes last and unscaled."""
        estimate = self.estimate.apply(shown.coarse, self.geometry)
        coarse = shown.coarse / np.array(self.coarse, dtype=np.float32)[:, None, None, None]
        steep = list(_STEEP)
        coarse[:, steep] = np.arcsinh(_STEEPNESS * coarse[:, steep])
        mean, spread = (np.array(part, dtype=np.float32) for part in self.summary)
        return {
            "fine": (shown.fine - np.float32(self.fine[0])) / np.float32(self.fine[1]),
            "coarse": np.concatenate([coarse, estimate[:, None]], axis=1),
            # A box unlike any of the training is shown as the most unlike of them: lines must not run on for ever.
            "summary": np.clip((shown.summary - mean) / spread, -3, 3),
        }

    def smoothed(self, inputs: Mapping[str, Field]) -> Field:
        """Wiener's smoothing of the final density, on the networks' grid, from columns of `inputs`."""
        density = np.asarray(np.sinh(inputs["coarse"][:, :1]) / _STEEPNESS * self.coarse[0], dtype=np.float32)
        only = Wiener(self.filtered.edges, [weights[:1] for weights in self.filtered.weights])
        return only.apply(density, self.geometry)

    def to_json(self) -> dict[str, Any]:
        """Return what `model.json` keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Preparation":
        """Read what `to_json` wrote."""
        geometry = stored["geometry"]
        return cls(
            Geometry(tuple(geometry["shape"]), geometry["box_size"], geometry["cells"]),
            Wiener(**stored["estimate"]),
            Wiener(**stored["filtered"]),
            tuple(stored["fine"]),
            tuple(stored["coarse"]),
            (tuple(stored["summary"][0]), tuple(stored["summary"][1])),
        )


def prepare_table(dataset: Path, geometry: Geometry, folder: Path) -> tuple[Preparation, Path]:
    """Fit a preparation on the training rows of a table of slices, and write what all rows look like through it.

    Parameters
    ----------
    dataset : Path
        Table of slices.
    geometry : Geometry
        Its grids.
    folder : Path
        For the tables; the one with the result is returned.
    """
    raw, ready = folder / "derived.parquet", folder / "shown.parquet"
    _derive(dataset, geometry, raw)
    preparation = _fit(raw, geometry)
    with _writer(ready, geometry, len(FIELDS) + 1, dataset) as writer:
        for batch in read_batches(raw):
            scaled = preparation.scaled(Shown(batch["fine"], batch["coarse"], batch["summary"]))
            writer.write({"id": batch["id"], "split": batch["split"], **scaled, "target": batch["target"]})
    raw.unlink()
    return preparation, ready


def _derive(dataset: Path, geometry: Geometry, raw: Path) -> None:
    rows, done = count_rows(dataset), 0
    with _writer(raw, geometry, len(FIELDS), dataset) as writer:
        for batch in read_batches(dataset, ["id", "split", "final", "initial"]):
            for start in range(0, len(batch["id"]), _ROWS_AT_ONCE):
                part = {name: values[start : start + _ROWS_AT_ONCE] for name, values in batch.items()}
                shown = look_at(overdensity_of(part["final"]), geometry)
                writer.write(_row(part, shown, resample_grid(part["initial"], geometry.work)))
                done += len(part["id"])
                report_progress(done, rows, "boxes looked at")


def _row(part: Columns, shown: Shown, target: Field) -> Columns:
    derived = {"fine": shown.fine, "coarse": shown.coarse, "summary": shown.summary, "target": target}
    return {"id": part["id"], "split": part["split"], **derived}


def _fit(raw: Path, geometry: Geometry) -> Preparation:
    edges, normal = normal_equations(_pairs(raw), geometry)
    fine, coarse, summary = [], [], []
    for batch in read_batches(raw, ["fine", "coarse", "summary"], "train"):
        values = batch["fine"].astype(np.float64)
        fine.append([values.mean(), (values**2).mean(), len(values)])
        squares = (batch["coarse"].astype(np.float64) ** 2).mean(axis=(2, 3, 4))
        coarse.append(squares)
        summary.append(batch["summary"].astype(np.float64))
    first, second = np.average([row[:2] for row in fine], axis=0, weights=[row[2] for row in fine])
    numbers = np.concatenate(summary)
    return Preparation(
        geometry,
        Wiener.solved(edges, normal),
        Wiener.solved(edges, normal, [0]),
        (float(first), float(np.sqrt(max(second - first**2, 1e-12)))),
        tuple(np.sqrt(np.concatenate(coarse).mean(axis=0) + 1e-12).tolist()),
        (tuple(numbers.mean(axis=0).tolist()), tuple((numbers.std(axis=0) + 1e-6).tolist())),
    )


def _pairs(raw: Path) -> Iterator[tuple[Field, Field]]:
    for batch in read_batches(raw, ["coarse", "target"], "train"):
        yield from zip(batch["coarse"], batch["target"], strict=True)


def _writer(path: Path, geometry: Geometry, fields: int, dataset: Path) -> TableWriter:
    columns: Sequence[Any] = [
        column("id", "string", "box, seen along one axis"),
        column("split", "string", "train, validation or test"),
        tensor_column("fine", (1, *geometry.fine), "logarithm of the density"),
        tensor_column("coarse", (fields, *geometry.work), "final overdensity and its reconstructions"),
        tensor_column("summary", (NUMBERS,), "power of the final density"),
        tensor_column("target", geometry.work, "initial overdensity, scaled to today"),
    ]
    return TableWriter(path, columns, read_provenance(dataset), rows_per_group=_ROWS_AT_ONCE)
