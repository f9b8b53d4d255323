"""The preprocess stage: from spectra as observed to rows of one grid, with reasons for those left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.checks import require_between, require_one_of
from components.common.errors import ParameterError
from components.common.files import whole
from components.common.rejections import Noun, Rejections
from components.common.splits import Splits, Splitting
from components.common.tables import Columns, column, read_batches, read_schema, read_table, tensor_column
from components.common.telemetry import stage
from components.common.threads import map_ahead
from components.physics.wavelength_grid import QUASAR_GRID, WavelengthGrid
from components.preprocess.dataset import Dataset, write_dataset
from components.preprocess.spectra.groups import GROUPINGS, group_rows
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare

_CARRIED = (
    "id", "object_id", "spectral_class", "redshift", "zwarning", "is_bal", "ra", "dec", "plate", "sn_median",
    "resampled",
)  # fmt: skip
_CARRIED_IF_THERE = ("magnitude_r", "magnitude_r_total", "velocity_dispersion", "stellar_mass")
_NEW = ("coverage", "offset", "scale", "flux", "ivar")
SPECTRA = Noun(
    "spectrum",
    "spectra",
    "Lower minimum_coverage or minimum_sn, or ingest spectra that reach the wavelengths of the grid.",
)
_SPECTRUM = ("flux", "ivar", "first_pixel", "pixels")


@dataclass(frozen=True)
class Settings(Splitting):
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
        labels = {"classes": list(self.classes)} if self.classes else {}
        groups = {"group_by": self.group_by} if self.group_by != "object" else {}
        return {**self.preparation.to_settings(), **limits, "split": self.split, **groups, **labels}

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # KFP hands over a list
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise ParameterError(
                f"The classes {', '.join(self.classes)} cannot be told apart.",
                "Give two or more, each once, or none where classes do not matter.",
            )
        require_one_of(GROUPINGS, group_by=self.group_by)
        require_between(0, 1, minimum_coverage=self.minimum_coverage)


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
    with stage("preprocess", output), whole(output) as folder:
        source = dataset / "dataset.parquet"
        fields = _fields(source, settings)
        splits = _splits(source, settings)
        rejections = Rejections()
        carried = [field.name for field in fields if field.name in (*_CARRIED, *_CARRIED_IF_THERE)]
        batches = _prepared(source, carried, splits, settings, rejections)
        write_dataset(folder, source, Dataset(fields, settings.to_settings(), batches, rejections), SPECTRA)


def _splits(source: Path, settings: Settings) -> Splits:
    names = read_table(source, ["object_id", "plate"])
    return Splits(group_rows(names["object_id"], names["plate"], settings.group_by), **settings.split)


def _fields(source: Path, settings: Settings) -> list[pa.Field]:
    """Describe the output: what is carried over keeps the description that it came with."""
    needed = (*_CARRIED, *_SPECTRUM)
    schema = read_schema(source, needed, "Give the folder that an ingest stage of spectra wrote.")
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


def _prepared(
    source: Path, carried: list[str], splits: Splits, settings: Settings, rejections: Rejections
) -> Iterator[Columns]:
    work = partial(_prepare, preparation=settings.preparation)
    done = 0
    for batch, prepared in map_ahead(work, read_batches(source, [*carried, *_SPECTRUM])):
        rows = slice(done, done + len(batch["id"]))
        done = rows.stop
        new = {name: getattr(prepared, name) for name in _NEW}
        columns = {**batch, **new, "split": splits.of_rows(rows)}
        if settings.classes:
            columns["label"] = batch["spectral_class"]
        if settings.group_by != "object":
            columns["group"] = splits.groups[rows]
        keep = _reject(batch, prepared, settings, rejections)
        yield columns if keep.all() else {name: values[keep] for name, values in columns.items()}


def _prepare(batch: Columns, preparation: Preparation) -> tuple[Columns, Prepared]:
    flux, ivar, first_pixel, pixels = (batch.pop(name) for name in _SPECTRUM)
    return batch, prepare(flux, ivar, first_pixel, pixels, preparation, threads=1)


def _reject(
    batch: Columns, prepared: Prepared, settings: Settings, rejections: Rejections
) -> npt.NDArray[np.bool_]:
    """Record the spectra that are left out, each with the first reason that holds, and return which are kept."""
    checks = [("missing label", "The redshift is not a number.", ~np.isfinite(batch["redshift"]))]
    if settings.classes:
        other = ~np.isin(batch["spectral_class"].astype(np.str_), settings.classes)
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
    return rejections.sift(batch["id"], checks)
