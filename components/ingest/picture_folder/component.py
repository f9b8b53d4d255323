"""Face of the check of a folder of pictures to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_picture_folder(folder: str, encoding: str, size: int) -> None:
    """Look over a folder of labelled pictures, in seconds, before a model is trained that will be scored on it."""
    from components.ingest.picture_folder.folder import look_over

    look_over(folder, encoding, size)
