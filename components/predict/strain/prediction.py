"""Searching files: strain in, a ranked and timed list of candidates out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, column, write_table
from components.common.telemetry import report_counts, stage
from components.predict.strain import search as searching
from components.predict.strain.ranking import Classifier, rank_by
from components.predict.strain.search import Found, Model
from components.predict.strain.stretch import Stretch, read_stretch
from components.preprocess.strain.whitening import Whitening

FIELDS = (
    column("rank", "int64", "1 is the loudest"),
    column("gps", "float64", "time at which the energy of the candidate's loudest window peaks", "s"),
    column("window_start", "float64", "time of the first sample of that window", "s"),
    column("statistic", "float64", "what the model said of it: larger is more like a wave"),
    column("louder", "int64", "candidates of the time slides that are at least as loud"),
    column("false_alarms_per_day", "float64", "(louder + 1) / time of the slides; NaN without slides", "1 / d"),
    column("detectors", "string", "detectors that had data, separated by spaces"),
)
"""Fields of `predictions.parquet`."""


@dataclass(frozen=True)
class Settings:
    """What to search for and what to write.

    Attributes
    ----------
    csv : bool
        Also write `predictions.csv`.
    plots : bool
        Also draw every candidate, as whitened strain and as a spectrogram, into `plots/`.
    search : search.Settings
        How to search.
    """

    csv: bool = False
    plots: bool = False
    search: searching.Settings = field(default_factory=searching.Settings)


def predict(inputs: Path | Sequence[Path], model: Path, output: Path, settings: Settings) -> None:
    """Search files with the model in a folder.

    Parameters
    ----------
    inputs : Path or sequence of Path
        HDF5 files of the GWOSC, one for each detector, or a folder of them.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for what `search_files` writes.
    settings : Settings
        How to search.

    Raises
    ------
    InputError
        When the files cannot be used, or the model is none of strain.
    """
    from components.train.conv1d.inference import load_model  # imports torch

    with stage("predict", output):
        classifier: Classifier = load_model(model)
        stored = classifier.preprocess_settings
        if "psd" not in stored or len(classifier.classes) < 2:
            raise InputError(
                f"The model in {model} has not been trained to tell strain with a wave from noise.",
                "Give the model of a run of gravitational-waves.",
            )
        whitening = Whitening.from_settings(stored)
        search_files(find_inputs(inputs), rank_by(classifier), whitening, output, settings, str(model))


def find_inputs(inputs: Path | Sequence[Path]) -> list[Path]:
    """List files as they are given, and those below folders whose names begin with a detector's letter."""
    files: list[Path] = []
    for path in [inputs] if isinstance(inputs, Path) else inputs:
        files += sorted(path.glob("[HLV]-*.hdf5")) if path.is_dir() else [path]
    if not files:
        raise InputError("There is no strain to search.", "Name one HDF5 file of the GWOSC for each detector.")
    return files


def search_files(
    files: Sequence[Path], model: Model, whitening: Whitening, output: Path, settings: Settings, name: str = ""
) -> Found:
    """Search files of the GWOSC, one a detector, for black holes that merge.

    Parameters
    ----------
    files : sequence of Path
        HDF5 files of the same time, such as H1.hdf5 and L1.hdf5.
    model : Model
        Trained on windows that `whitening` prepared.
    whitening : Whitening
        How the model's windows were prepared: band, window and sampling rate. The noise is that of the files.
    output : Path
        Folder for `predictions.parquet` and, as the settings say, `predictions.csv` and `plots/`.
    settings : Settings
        How to search.
    name : str
        Of the model, for the record.

    Returns
    -------
    Found
        The candidates, as written.
    """
    stretch = read_stretch(files, whitening)
    found = searching.search(stretch, model, settings.search, whitening.samples, whitening.taper)
    provenance = Provenance(
        origin="real",
        archive="files",
        query=" ".join(str(path) for path in files),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        requested=len(found.gps),
        received=len(found.gps),
        notes=(
            f"Searched {found.searched_seconds:g} s with the model {name}; background of time slides "
            f"{found.background_seconds:g} s.",
        ),
    )
    columns = candidate_columns(found, stretch)
    output.mkdir(parents=True, exist_ok=True)
    write_table(output / "predictions.parquet", FIELDS, columns, provenance)
    Rejections().write(output / "rejected.parquet", provenance)  # a file that cannot be used ends the search
    if settings.csv:
        with whole(output / "predictions.csv") as part:
            # A GPS time alone has ten digits before its point.
            pd.DataFrame(columns).round(6).to_csv(part, index=False, float_format="%.16g")
    if settings.plots:
        from components.predict.strain.plots import draw_candidates  # matplotlib, only where asked for

        draw_candidates(found, stretch, output / "plots")
    report_counts(rows_out=len(found.gps), seconds=found.searched_seconds)
    return found


def candidate_columns(found: Found, stretch: Stretch) -> Columns:
    """Arrange candidates as the columns of the table."""
    count = len(found.gps)
    return {
        "rank": np.arange(1, count + 1),
        "gps": found.gps,
        "window_start": found.window_start,
        "statistic": found.statistic,
        "louder": found.louder,
        "false_alarms_per_day": found.false_alarms_per_day,
        "detectors": np.full(count, " ".join(stretch.detectors), dtype=object),
    }
