"""The beginnings of new snapshots: HDF5 in, reconstructed initial fields and samples of them out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from components.common.errors import ArmillaryError, InputError
from components.common.files import whole
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter, column, tensor_column
from components.common.telemetry import report_counts, report_progress, stage
from components.evaluate.reconstruction.scores import BAND_NAMES, EDGES, Measured
from components.ingest.camels_snapshots.density import Density, read_density
from components.ingest.camels_snapshots.settings import Settings as IngestSettings
from components.physics.mode_spectra import compare
from components.predict import writing
from components.predict.snapshots.warnings import BITS, find_warnings
from components.predict.warning_bits import warning_columns
from components.predict.writing import Settings
from components.preprocess.density_slices.slicing import overdensity_slabs

UNUSABLE = "unusable file"
SAMPLES = 8
"""Samples that are stored of each box."""

_PART = re.compile(r"\.(\d+)\.(hdf5|h5)$")
_EXPECTED = tuple(f"expected_r_{name}" for name in ("low_k", "mid_k", "high_k", "highest_k"))


def fields(shape: Sequence[int]) -> list[pa.Field]:
    """Fields of `predictions.parquet` for slices of a shape."""
    return [
        column("id", "string", "name of the file, or of the first of its parts"),
        column("file", "string", "that file"),
        column("axis", "string", "along which the slices follow each other"),
        column("redshift", "float64", "of the snapshot"),
        column("omega_m", "float64", "as its header says; NaN where it does not"),
        *(
            column(
                name, "float64", f"correlation of the mean with the truth that the samples imply, k {band} h/Mpc"
            )
            for name, band in zip(_EXPECTED, BAND_NAMES, strict=True)
        ),
        column("warning", "int64", "sum of the bits in components/predict/snapshots/warnings.py; 0 is good"),
        column("warnings", "string", "names of the bits that are set, separated by spaces"),
        tensor_column("final", shape, "overdensity of the snapshot"),
        tensor_column(
            "mean", shape, "initial overdensity scaled to today by linear growth: mean of what may have been"
        ),
        tensor_column("samples", (SAMPLES, *shape), "fields that the snapshot may have come from"),
    ]


@dataclass(frozen=True, eq=False)
class Predicted:
    """One reconstructed snapshot.

    Attributes
    ----------
    columns : dict of str to ndarray
        As of `fields`, one row.
    """

    columns: Columns


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Reconstruct the initial fields of snapshots with the model in a folder.

    Parameters
    ----------
    inputs : Path or sequence of Path
        HDF5 snapshots of Gadget, Arepo or GADGET-4, or folders of them, with all parts of each snapshot.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `predictions.parquet`, `rejected.parquet` and pictures.
    settings : Settings
        What to write besides.

    Raises
    ------
    InputError
        When not one snapshot can be used, or the model is none of initial fields.
    """
    from components.train.variational_autoencoder.inference import load_model  # imports torch

    with stage("predict", output):
        network = load_model(model)
        snapshots = find_snapshots(inputs)
        rejections = Rejections()
        provenance = writing.of_files(inputs, len(snapshots), model)
        tables: list[pd.DataFrame] = []
        output.mkdir(parents=True, exist_ok=True)
        with TableWriter(
            output / "predictions.parquet",
            fields(network.preparation.geometry.shape),
            provenance,
            {"box_size_mpc_h": network.preparation.geometry.box_size},
            rows_per_group=1,
        ) as writer:
            for found in _reconstructed(snapshots, network, rejections):
                writer.write(found.columns)
                if settings.plots:
                    _draw(found, writer.rows - 1, output / "plots", network.preparation.geometry.box_size)
                tables.append(pd.DataFrame({n: v for n, v in found.columns.items() if v.ndim == 1}))
                report_progress(writer.rows + len(rejections), len(snapshots), "snapshots")
            writer.provenance = provenance.with_rejected(rejections.counts)
        rejections.write(output / "rejected.parquet", writer.provenance)
        if settings.csv and tables:
            with whole(output / "predictions.csv") as part:
                pd.concat(tables).to_csv(part, index=False, float_format="%.6g")
        report_counts(rows_in=len(snapshots), rows_out=writer.rows, rejected=len(rejections))
        if not writer.rows:
            raise InputError(
                f"None of the {len(snapshots)} snapshots can be used. {next(iter(rejections.details), '')}",
                f"{output / 'rejected.parquet'} says what is wrong with each.",
            )


def find_snapshots(inputs: Path | Sequence[Path]) -> list[list[Path]]:
    """List snapshots, each with its parts in order; of folders the HDF5 files in them, hidden ones aside."""
    files: list[Path] = []
    for path in writing.listed(inputs):
        files += _within(path) if path.is_dir() else [path]
    if not files:
        where = ", ".join(str(path) for path in writing.listed(inputs))
        raise InputError(
            f"There is no snapshot in {where or 'nothing'}.",
            "Name HDF5 files of Gadget, Arepo or GADGET-4, or the folder that they lie in.",
        )
    grouped: dict[Path, list[Path]] = {}
    for path in files:
        grouped.setdefault(path.with_name(_PART.sub("", path.name)), []).append(path)
    return [sorted(parts, key=_number) for parts in grouped.values()]


def _within(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".hdf5", ".h5"))
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


def reconstruct(name: str, density: Density, network: Any, file: str = "") -> Predicted:
    """Reconstruct one snapshot in memory.

    Parameters
    ----------
    name : str
        Of the snapshot.
    density : Density
        Its particles on the model's grid.
    network : Reconstruction
        Such as `load_model(folder)`.
    file : str, optional
        Where it comes from.
    """
    stored: Mapping[str, Any] = network.preprocess_settings
    axis = str(stored["axes"])[0]
    final = overdensity_slabs(density.grid, axis, int(stored["channels"]))[None]
    mean, samples = network.mean(final), network.sample(final, SAMPLES)
    expected = _expected(samples[0], network.preparation.geometry.lengths)
    bits = find_warnings(density.header, network.strangeness(final))
    columns: Columns = {
        "id": np.array([name], dtype=object),
        "file": np.array([file], dtype=object),
        "axis": np.array([axis], dtype=object),
        "redshift": np.array([density.header.redshift]),
        "omega_m": np.array([density.header.omega_m]),
        **{key: np.array([value]) for key, value in zip(_EXPECTED, expected, strict=True)},
        **warning_columns(bits, BITS),
        "final": final,
        "mean": mean,
        "samples": samples,
    }
    return Predicted(columns)


def _reconstructed(snapshots: list[list[Path]], network: Any, rejections: Rejections) -> Iterator[Predicted]:
    wanted = _ingest_settings(network.preprocess_settings)
    for parts in snapshots:
        name = parts[0].stem
        try:
            density = read_density(parts, wanted)
        except (ArmillaryError, OSError) as error:
            rejections.add(name, UNUSABLE, str(error))
            continue
        yield reconstruct(name, density, network, str(parts[0]))


def _ingest_settings(stored: Mapping[str, Any]) -> IngestSettings:
    return IngestSettings(
        source="files",
        location=".",
        grid=int(stored["grid"]),
        box_size_mpc_h=float(stored["box_size_mpc_h"]),
        matter=str(stored.get("matter", "all")),
    )


def _expected(samples: Any, lengths: tuple[float, float, float]) -> list[float]:
    """Correlation of the mean with the truth, if the truth is like one of the samples; NaN without waves."""
    centre = samples.mean(axis=0)
    scattered = compare(samples - centre, samples, EDGES, lengths)
    sums = Measured(scattered.second, scattered.first, scattered.cross, scattered.first).in_bands()
    spread = sums.power.sum(axis=0) / (len(samples) - 1)
    total = sums.truth.mean(axis=0)
    expected = np.sqrt(np.clip(1 - spread / np.maximum(total, 1e-30), 0, 1))
    return [float(value) for value in np.where(total > 0, expected, np.nan)]


def _number(path: Path) -> int:
    found = _PART.search(path.name)
    return int(found[1]) if found else 0


def _draw(found: Predicted, row: int, folder: Path, box_size: float) -> None:
    from components.predict.snapshots.plots import draw  # matplotlib, only where asked for

    folder.mkdir(parents=True, exist_ok=True)
    writing.write_pictures(folder, row, found.columns["id"], [draw(found.columns, box_size)])
