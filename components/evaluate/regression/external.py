"""External validation: real spectra with catalogue redshifts, scored apart from everything else."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import column, write_table
from components.evaluate.learnt import reject_learnt
from components.evaluate.regression.outcome import Baselines, Model, Outcome, fields, predict_batches
from components.ingest.sdss_spectra.files_source import read_folder
from components.ingest.sdss_spectra.schema import QSO
from components.ingest.sdss_spectra.settings import Settings as IngestSettings
from components.predict.spectra.prediction import predict_table
from components.predict.spectra.warnings import BITS
from components.predict.warning_bits import describe

if TYPE_CHECKING:
    from components.evaluate.regression.kinds import Kind

MINIMUM_REDSHIFT = 0.5
"""Scores are of quasars above it: below, the host galaxy's light rules, and DR16Q has few.

A folder that has none of them is scored as a whole.
"""

MISS_KM_S = 6000.0


@dataclass(frozen=True)
class External:
    """Predictions for real quasars.

    Attributes
    ----------
    outcome : Outcome
        Of all quasars in the folder that can be used.
    warning : ndarray of int, shape (n,)
        Warning bits as `armillary predict` gives them.
    within : ndarray of bool, shape (n,)
        Above `minimum_redshift`: those that are scored.
    minimum_redshift : float
        `MINIMUM_REDSHIFT`, or 0 where all quasars are nearer.
    rejections : Rejections
        The rest of the folder: what is no quasar, or cannot be used.
    provenance : Provenance
        Of the folder.
    """

    outcome: Outcome
    warning: npt.NDArray[np.int64]
    within: npt.NDArray[np.bool_]
    minimum_redshift: float
    rejections: Rejections
    provenance: Provenance

    @property
    def missed(self) -> npt.NDArray[np.bool_]:
        """Predictions that are off by more than 6000 km/s, shape (n,)."""
        return np.asarray(np.abs(self.outcome.errors) >= MISS_KM_S)

    def misses(self) -> list[dict[str, Any]]:
        """Describe every miss, those that are not scored included, the worst first."""
        c = self.outcome.columns
        rows = np.flatnonzero(self.missed)
        return [
            {
                "id": str(c["id"][i]),
                "truth": float(c["truth"][i]),
                "redshift": float(c["redshift"][i]),
                "sigma": float(c["sigma"][i]),
                "dv_km_s": float(c["dv_km_s"][i]),
                "sn_median": float(c["sn_median"][i]),
                "warnings": describe(int(self.warning[i]), BITS),
                "zwarning": int(c["zwarning"][i]),
                "template_scan": float(c["template_scan"][i]),
                "scored": bool(self.within[i]),
            }
            for i in rows[np.argsort(-np.abs(c["dv_km_s"][rows]))]
        ]

    def write(self, folder: Path) -> None:
        """Write `external_predictions.parquet` and `external_rejected.parquet`."""
        own = (*fields(self.outcome), column("warning", "int64", "warning bits, as of the predict command"))
        columns = {**self.outcome.columns, "warning": self.warning}
        write_table(folder / "external_predictions.parquet", own, columns, self.provenance)
        self.rejections.write(folder / "external_rejected.parquet", self.provenance)


def predict_folder(
    table: Path, folder: Path, model: Model, baselines: Baselines, constant: float, kind: "Kind"
) -> External:
    """Predict the redshifts of a folder of real spectra, but of those of objects that the model learnt from.

    Parameters
    ----------
    table : Path
        What it learnt from.
    folder : Path
        Spectrum files, with a `labels.csv` (columns file, class, redshift) or the redshift in the files.
    model, baselines, constant, kind
        As for `components.evaluate.regression.outcome.predict_batches`.

    Raises
    ------
    InputError
        When the folder holds no quasar that can be used.
    """
    spectra, rejections = read_folder(folder, IngestSettings(source="files", location=str(folder), classes=(QSO,)))
    predicted = predict_table(spectra, model)
    rows = {name: values[predicted.ready.rows] for name, values in spectra.items() if name not in ("flux", "ivar")}
    rows |= {"flux": predicted.ready.prepared.flux, "ivar": predicted.ready.prepared.ivar}
    for row in predicted.ready.rejected:
        rejections.add(*row)
    new = reject_learnt(table, rows, rejections)
    rows = {name: values[new] for name, values in rows.items()}
    if not rows["redshift"].size:
        raise InputError(
            f"None of the quasars in {folder} can be used: {rejections.in_words}.",
            "Give a folder of other quasars, with their class and redshift in labels.csv.",
        )
    minimum = MINIMUM_REDSHIFT if (rows["redshift"] > MINIMUM_REDSHIFT).any() else 0.0
    within = rows["redshift"] > minimum
    provenance = Provenance(
        origin="real",
        archive=f"folder {folder}",
        query="quasars with a redshift",
        requested=len(within) + len(rejections),
        received=len(within),
        rejected=rejections.counts,
        notes=(f"Scores are of the {within.sum()} quasars above redshift {minimum}.",),
    )
    outcome = predict_batches([rows], model, baselines, constant, kind)
    return External(outcome, predicted.columns["warning"][new], within, minimum, rejections, provenance)
