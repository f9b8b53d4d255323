"""Spectrum files made ready for a model, whatever it predicts of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, read_spectra
from components.ingest.sdss_spectra.files_source import LABELS, find_spectra
from components.predict.writing import listed
from components.preprocess.spectra.preparation import REASONS, Preparation, Prepared, prepare


@dataclass(frozen=True)
class Ready:
    """Those of n spectra that can be used, as a model wants them.

    Attributes
    ----------
    own : dict of str to ndarray, shape (m,)
        Columns as of the ingest stage without the pixels, and `file`.
    prepared : Prepared
        What the model is given, of the same rows.
    preparation : Preparation
        How it was prepared, and where its pixels lie.
    rows : ndarray of int, shape (m,)
        Which of the n spectra these rows are.
    rejected : list of (str, str, str)
        Id, reason and detail of the others.
    """

    own: Columns
    prepared: Prepared
    preparation: Preparation
    rows: npt.NDArray[np.intp]
    rejected: list[tuple[str, str, str]]


def make_ready(spectra: Columns, preprocess: Mapping[str, Any], files: Sequence[str] | None = None) -> Ready:
    """Prepare spectra in memory as those that a model learnt from.

    Parameters
    ----------
    spectra : dict of str to ndarray
        Columns as of the ingest stage, such as `read_spectra(paths).columns`.
    preprocess : dict
        What the model stores of its preparation.
    files : sequence of str, optional
        File of each spectrum, for the table.
    """
    preparation = Preparation.from_settings(preprocess)
    every = prepare(spectra["flux"], spectra["ivar"], spectra["first_pixel"], spectra["pixels"], preparation)
    rows, unusable = np.flatnonzero(every.good), np.flatnonzero(~every.good)
    names = list(files) if files else [""] * len(every.status)
    rejected = [
        (str(spectra["id"][row]), reason, f"{detail} {names[row]}".rstrip())
        for row in unusable
        for reason, detail in [REASONS[int(every.status[row])]]
    ]
    own = {name: values[rows] for name, values in spectra.items() if name not in ("flux", "ivar")}
    own["file"] = np.array(names, dtype=object)[rows]
    return Ready(own, every[rows], preparation, rows, rejected)


class Answer(Protocol):
    """Predictions for those of some spectra that can be used."""

    @property
    def ready(self) -> Ready:
        """What the model was given."""
        ...


A = TypeVar("A", bound=Answer)


def predict_files(
    files: Sequence[Path], predict: Callable[[Columns, list[str]], A], rejections: Rejections
) -> Iterator[A]:
    """Predict for files, batch by batch.

    Parameters
    ----------
    files : sequence of Path
        Spectra.
    predict : callable
        Takes columns as of the ingest stage and the names of the files.
    rejections : Rejections
        Gets what cannot be used.
    """
    for start in range(0, len(files), SPECTRA_PER_BATCH):
        reading = read_spectra(files[start : start + SPECTRA_PER_BATCH])
        rejected = list(reading.rejected)
        if reading.files:
            answer = predict(reading.columns, [str(file) for file in reading.files])
            rejected += answer.ready.rejected
            if answer.ready.rows.size:
                yield answer
        for row in rejected:
            rejections.add(*row)


def find_inputs(inputs: Path | Sequence[Path]) -> list[Path]:
    """List files as they are given, and the spectra below folders.

    Raises
    ------
    InputError
        When there is none.
    """
    files: list[Path] = []
    for path in listed(inputs):
        files += find_spectra(path) if path.is_dir() else [path]
    files = [path for path in files if path.name != LABELS]  # comes with spec-* and *.csv on a command line
    if not files:
        raise InputError("There is no spectrum to predict for.", "Name spec-*.fits files, or a folder with some.")
    return files
