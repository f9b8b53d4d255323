"""A folder of real pictures with labels, looked over before a model is trained that will be validated on it."""

from pathlib import Path

from components.common.errors import InputError
from components.ingest.sdss_cutouts.files_source import find_pictures
from components.ingest.sdss_cutouts.label_file import LABELS, read_labels
from components.ingest.sdss_cutouts.pictures import UnusablePictureError, read_picture


def look_over(folder: str, encoding: str, size: int) -> int:
    """Return how many pictures have a redshift and can be read, with as many pixels as the model will see.

    Raises
    ------
    InputError
        When the model is to learn from flux, which no picture file holds; when there is no picture, no
        `labels.csv`, or not one labelled picture that can be read.
    """
    if encoding != "jpeg":
        raise InputError(
            f"The pictures in {folder} are 8-bit ones, but the model is to learn from {encoding}.",
            "Leave external empty, or set encoding=jpeg.",
        )
    place = Path(folder)
    pictures = {path.relative_to(place).as_posix(): path for path in find_pictures(place)}
    if not (place / LABELS).is_file():
        raise InputError(
            f"There is no {LABELS} in {folder}, so that nothing is known of its {len(pictures)} pictures.",
            f"Write {LABELS} with the columns file and redshift, and mag_u to mag_z and extinction_u to "
            "extinction_z where they are known.",
        )
    labels = read_labels(place / LABELS, "file")
    named = [pictures[name] for name in labels["file"][labels["redshift"].notna()] if name in pictures]
    why = "no picture has a redshift"
    usable = 0
    for path in named:
        try:
            read_picture(path, size)
            usable += 1
        except UnusablePictureError as error:
            why = error.problem.rstrip(".")
    if not usable:
        raise InputError(
            f"None of the {len(pictures)} pictures in {folder} can be used: {why}.",
            "Give 8-bit pictures in red, green and blue, with their redshifts in labels.csv.",
        )
    return usable
