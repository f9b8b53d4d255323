"""Face of the check of a folder of labelled windows of strain to Kubeflow."""

from components.common.component import component


@component(image="cpu")
def check_gw_folder(folder: str) -> None:
    """Look over a folder in the layout of G2Net, in seconds, before anything is trained."""
    from components.ingest.gw_strain.g2net_source import check_folder

    check_folder(folder)
