"""Face of the check of a folder of galaxies to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_galaxy_zoo_folder(folder: str, task: str) -> None:
    """Look over a folder of tables of galaxies, in seconds, before anything is trained to be tried on it."""
    from components.ingest.galaxy_zoo_folder.folder import look_over

    look_over(folder, task)
