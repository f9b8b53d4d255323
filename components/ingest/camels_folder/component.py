"""Face of the check of a folder of maps of universes to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_camels_folder(folder: str, fields: list[str], grid: int) -> None:
    """Look over a folder of the CAMELS Multifield Dataset, in seconds, before anything is trained."""
    from pathlib import Path

    from components.ingest.camels_folder.folder import look_over

    look_over(Path(folder), fields, grid)
