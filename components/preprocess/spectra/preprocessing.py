"""The preprocess stage: from spectra as observed to rows of one grid, with reasons for those left out."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.errors import InputError, ParameterError
from components.common.rejections import Rejections
from components.common.splits import assign_splits
from components.common.tables import (
    Columns,
    TableWriter,
    column,
    open_table,
    read_batches,
    read_provenance,
    read_table,
    tensor_column,
)
from components.common.telemetry import report_counts, report_progress, stage
from components.common.threads import map_ahead
from components.physics.wavelength_grid import QUASAR_GRID, WavelengthGrid
from components.preprocess.spectra.groups import GROUPINGS, group_rows
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare

_CARRIED = (
    "id", "object_id", "spectral_class", "redshift", "zwarning", "is_bal", "ra", "dec", "plate", "sn_median",
    "resampled",
)  # fmt: skip
_CARRIED_IF_THERE = ("magnitude_r", "magnitude_r_total", "velocity_dispersion", "stellar_mass")
_SPECTRUM = ("flux", "ivar", "first_pixel", "pixels")


@dataclass(frozen=True)
class Settings:
    """What the stage does to spectra.

    Attributes
    ----------
    bin_pixels : int
        Lattice pixels averaged into one; 1 keeps the paper's 4618 pixels.
    normalisation, fill, clip_sigma
        See `components.preprocess.spectra.preparation.Preparation`.
    minimum_coverage : float
        Leave out spectra that observe less than this fraction of the grid.
    minimum_sn : float
        Leave out spectra whose median signal-to-noise ratio per lattice pixel is lower.
    validation_fraction, test_fraction : float
        Fractions of the objects (not of the spectra) in these splits.
    seed : int
        Seed of the split.
    classes : tuple of str
        Spectral classes to be told apart, in this order: each spectrum gets its class as `label`, and those of
        other classes are left out. Empty where classes do not matter.
    group_by : {"object", "plate"}
        What is kept together in a split; see `components.preprocess.spectra.groups`.
    """

    bin_pixels: int = 4
    normalisation: str = "robust"
    fill: str = "interpolate"
    clip_sigma: float = 10.0
    minimum_coverage: float = 0.5
    minimum_sn: float = 0.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.1
    seed: int = 0
    classes: tuple[str, ...] = ()
    group_by: str = "object"

    @property
    def preparation(self) -> Preparation:
        """The part that concerns a single spectrum, which prediction has to repeat."""
        grid = WavelengthGrid(QUASAR_GRID.first_pixel, QUASAR_GRID.fine_pixels, self.bin_pixels)
        return Preparation(grid, self.normalisation, self.fill, self.clip_sigma)

    def to_settings(self) -> dict[str, Any]:
        """Return the JSON-able form that the table stores for later stages."""
        limits = {"minimum_coverage": self.minimum_coverage, "minimum_sn": self.minimum_sn}
        split = {
            "validation_fraction": self.validation_fraction,
            "test_fraction": self.test_fraction,
            "seed": self.seed,
        }
        labels = {"classes": list(self.classes)} if self.classes else {}
        groups = {"group_by": self.group_by} if self.group_by != "object" else {}
        return {**self.preparation.to_settings(), **limits, "split": split, **groups, **labels}

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # KFP hands over a list
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise ParameterError(
                f"The classes {', '.join(self.classes)} cannot be told apart.",
                "Give two or more, each once, or none where classes do not matter.",
            )
        if self.group_by not in GROUPINGS:
            raise ParameterError(
                f"Spectra cannot be grouped by {self.group_by!r}.", f"Choose one of {', '.join(GROUPINGS)}."
            )
        if not 0 <= self.minimum_coverage <= 1:
            raise ParameterError(
                f"minimum_coverage is {self.minimum_coverage}.", "Give a fraction between 0 and 1."
            )


def preprocess(dataset: Path, output: Path, settings: Settings) -> None:
    """Prepare all spectra of a dataset.

    Reading, computing and writing overlap, and only a few row groups are in memory at a time.

    Parameters
    ----------
    dataset : Path
        Folder with the `dataset.parquet` of an ingest stage.
    output : Path
        Folder for `dataset.parquet` and `rejected.parquet`; its rows together are those of the input.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When no spectrum is left.
    """
    with stage("preprocess", output):
        source = dataset / "dataset.parquet"
        fields, stored = _fields(source, settings), settings.to_settings()
        splits = _Splits(source, settings)
        provenance = read_provenance(source)
        rejections = Rejections()
        output.mkdir(parents=True, exist_ok=True)
        with TableWriter(output / "dataset.parquet", fields, provenance, stored) as writer:
            done = 0
            read = [field.name for field in fields if field.name in (*_CARRIED, *_CARRIED_IF_THERE)]
            work = partial(_prepare, preparation=settings.preparation)
            for batch, prepared in map_ahead(work, read_batches(source, [*read, *_SPECTRUM])):
                if settings.classes:
                    batch["label"] = batch["spectral_class"]
                batch["split"] = splits.of_rows(done, len(batch["id"]))
                if settings.group_by != "object":
                    batch["group"] = splits.groups[done : done + len(batch["id"])]
                done += len(batch["id"])
                _write_good(writer, batch, prepared, _reject(batch, prepared, settings, rejections))
                report_progress(done, splits.rows, "spectra")
            _require_rows(source, writer.rows, rejections)
            writer.provenance = provenance.with_rejected(rejections.counts)
        rejections.write(output / "rejected.parquet", writer.provenance)
        report_counts(rows_in=done, rows_out=writer.rows, rejected=len(rejections))


class _Splits:
    """The split of every row of a table, decided from the ids and plates alone; a byte a row."""

    def __init__(self, source: Path, settings: Settings):
        columns = read_table(source, ["object_id", "plate"])
        self.groups = group_rows(columns["object_id"], columns["plate"], settings.group_by)
        self.rows = len(self.groups)
        names = assign_splits(self.groups, settings.validation_fraction, settings.test_fraction, settings.seed)
        self._names, codes = np.unique(names, return_inverse=True)
        self._codes = codes.astype(np.uint8)

    def of_rows(self, start: int, count: int) -> npt.NDArray[Any]:
        return np.asarray(self._names[self._codes[start : start + count]], dtype=object)


def _fields(source: Path, settings: Settings) -> list[pa.Field]:
    """Describe the output: what is carried over keeps the description that it came with."""
    with open_table(source) as file:
        schema = file.schema_arrow
    missing = sorted({*_CARRIED, *_SPECTRUM} - set(schema.names))
    if missing:
        raise InputError(
            f"{source} has no column {', '.join(missing)}.",
            "Give the folder that an ingest stage of spectra wrote.",
        )
    pixels = settings.preparation.grid.pixels
    return [
        *(schema.field(name) for name in (*_CARRIED, *_CARRIED_IF_THERE) if name in schema.names),
        *([column("label", "string", f"class: {', '.join(settings.classes)}")] if settings.classes else []),
        *([column("group", "string", "what was split as a whole")] if settings.group_by != "object" else []),
        column("split", "string", "train, validation or test; one for all spectra of an object"),
        column("coverage", "float32", "fraction of the grid's pixels with ivar > 0"),
        column("offset", "float32", "flux = offset + scale * normalised flux", "1e-17 erg s-1 cm-2 angstrom-1"),
        column("scale", "float32", "flux = offset + scale * normalised flux", "1e-17 erg s-1 cm-2 angstrom-1"),
        tensor_column("flux", (pixels,), "normalised flux on the grid, missing pixels filled"),
        tensor_column("ivar", (pixels,), "inverse variance of the normalised flux; 0 where missing"),
    ]


def _prepare(batch: Columns, preparation: Preparation) -> tuple[Columns, Prepared]:
    flux, ivar, first_pixel, pixels = (batch.pop(name) for name in _SPECTRUM)
    return batch, prepare(flux, ivar, first_pixel, pixels, preparation, threads=1)


def _reject(
    batch: Columns, prepared: Prepared, settings: Settings, rejections: Rejections
) -> npt.NDArray[np.bool_]:
    """Record the spectra that are left out, each with the first reason that holds, and return which are kept."""
    checks = [("missing label", "The redshift is not a number.", ~np.isfinite(batch["redshift"]))]
    if settings.classes:
        other = ~np.isin(batch["label"].astype(np.str_), settings.classes)
        checks.append(("unknown class", f"The class is none of {', '.join(settings.classes)}.", other))
    checks += [(*text, prepared.status == status) for status, text in REASONS.items()]
    checks += [
        (
            "little coverage",
            f"Less than {settings.minimum_coverage:g} of the grid is observed.",
            prepared.coverage < settings.minimum_coverage,
        ),
        (
            "low signal-to-noise",
            f"The median S/N is not at least {settings.minimum_sn:g}.",
            ~(batch["sn_median"] >= settings.minimum_sn),
        ),
    ]
    keep = np.ones(len(batch["id"]), dtype=bool)
    for reason, detail, bad in checks:
        rejections.add_many(batch["id"][keep & bad], reason, detail)
        keep &= ~bad
    return keep


def _write_good(writer: TableWriter, batch: Columns, prepared: Prepared, keep: npt.NDArray[np.bool_]) -> None:
    names = ("coverage", "offset", "scale", "flux", "ivar")
    columns = {**batch, **{name: getattr(prepared, name) for name in names}}
    if not keep.all():
        columns = {name: values[keep] for name, values in columns.items()}
    if keep.any():
        writer.write(columns)


def _require_rows(source: Path, rows: int, rejections: Rejections) -> None:
    if rows == 0:
        reasons = ", ".join(f"{count} {reason}" for reason, count in rejections.counts.items())
        raise InputError(
            f"No spectrum of {source} can be used: {reasons or 'the table is empty'}.",
            "Lower minimum_coverage or minimum_sn, or ingest spectra that reach the wavelengths of the grid.",
        )
