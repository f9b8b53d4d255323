"""What must not be divided between training and test: the object, or the plate that it was observed with."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from components.common.telemetry import warn

GROUPINGS = ("object", "plate")

_LARGEST_SHARE = 0.5


def group_rows(
    object_id: npt.NDArray[np.object_], plate: npt.NDArray[np.int64], group_by: str
) -> npt.NDArray[np.object_]:
    """Name the group of each spectrum.

    Spectra of one plate share the sky that was subtracted and the calibration, which a model can learn instead of
    the object. By plate means by object too: two plates with an object in common are one group.

    Parameters
    ----------
    object_id : ndarray of str, shape (n,)
        The object of each spectrum.
    plate : ndarray of int, shape (n,)
        Its plate, negative where there is none: such spectra are grouped by object.
    group_by : {"object", "plate"}
        What is kept together.
    """
    if group_by == "object" or not (plate >= 0).any():
        return object_id
    objects, member = np.unique(object_id.astype(np.str_), return_inverse=True)
    known = plate >= 0
    plates, used = np.unique(plate[known], return_inverse=True)
    size = objects.size + plates.size
    links = coo_array(
        (np.ones(used.size, dtype=np.int8), (member[known], objects.size + used)), shape=(size, size)
    )
    _, component = connected_components(links, directed=False)
    first_plate = np.full(component.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first_plate, component[objects.size :], plates)
    of_row = component[member]
    if np.bincount(of_row).max() > _LARGEST_SHARE * len(plate):
        warn("More than half of the spectra are on plates with objects in common, and cannot be divided.")
    has_plate = first_plate[of_row] < np.iinfo(np.int64).max
    names = object_id.copy()
    names[has_plate] = np.char.add("plate-", first_plate[of_row[has_plate]].astype(np.str_)).astype(object)
    return names
