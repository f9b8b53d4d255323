"""Face of the check of a folder of spectra to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_sdss_folder(folder: str, classes: list[str]) -> None:
    """Look over a folder of labelled spectra, in seconds, before anything is trained that will be scored on it."""
    from pathlib import Path

    from components.ingest.sdss_spectra.files_source import check_folder

    check_folder(Path(folder), tuple(classes))
