"""Face of the check of a folder of stars to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_gaia_folder(folder: str) -> None:
    """Look over a folder of tables of stars, in seconds, before anything is trained that will be tried on it."""
    from components.ingest.gaia_folder.folder import look_over

    look_over(folder)
