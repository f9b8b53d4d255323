"""Face of the check of a folder of simulations to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_snapshot_folder(folder: str) -> None:
    """Look over a folder of simulations in CAMELS' layout, in seconds, before anything is trained."""
    from components.ingest.snapshot_folder.folder import look_over

    look_over(folder)
