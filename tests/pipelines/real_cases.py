"""For each exercise the real files that its smoke run is validated on and that its model is applied to."""

from dataclasses import dataclass
from pathlib import Path

from components.common.errors import ArmillaryError, InputError


@dataclass(frozen=True)
class Case:
    """Real files of an exercise, and what becomes of them.

    Attributes
    ----------
    folder : str
        Below the folder of real files.
    files : str
        Pattern of those to predict for; the first five are taken.
    rows : int or None
        Rows of the predictions, each with a picture; None where a search decides how many there are.
    shown : list of str
        First columns that the terminal shows.
    external : bool
        Whether a run is validated on the folder.
    refusal : type of ArmillaryError
        What a folder without anything usable ends in.
    refused : str
        What is said of it; `{}` stands for the folder.
    """

    folder: str
    files: str
    rows: int | None
    shown: list[str]
    external: bool = True
    refusal: type[ArmillaryError] = InputError
    refused: str = "None of the spectra in {} can be used: 1 class"

    def choose(self, real_data: Path) -> list[Path]:
        """Files to predict for."""
        return sorted((real_data / self.folder).glob(self.files))[:5]


SPECTRA = ("sdss/spectra", "spec-3655-*.fits", 5)
CASES = {
    "quasar-redshift": Case(*SPECTRA, ["id", "redshift", "sigma"]),
    "quasar-galaxy": Case(*SPECTRA, ["id", "label", "probability"]),
    "galaxy-spectra": Case(*SPECTRA, ["id", "redshift", "sigma"]),
    "gravitational-waves": Case(
        "gw",
        "[HL]-*-32.hdf5",
        None,
        ["rank", "gps", "statistic"],
        external=False,
        refused="training_labels.csv cannot be read",
    ),
}
