"""Objects from outside that a model has learnt from: folders of one survey share many, and such scores flatter."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.rejections import Rejections
from components.common.tables import Columns, open_table, read_table
from components.ingest.sdss_spectra.objects import group_objects

_LEARNT = ("learnt from", "the model was trained or tuned on an object at this place")


def reject_learnt(table: Path, rows: Columns, rejections: Rejections) -> npt.NDArray[np.bool_]:
    """Reject the objects that a model has learnt from, and tell which are left, shape (n,).

    Parameters
    ----------
    table : Path
        What it learnt from, as for `find_learnt`.
    rows : dict of str to ndarray, shape (n,)
        With `id`, `ra` and `dec`.
    rejections : Rejections
        Takes the others.
    """
    learnt = find_learnt(table, rows)
    rejections.add_many(rows["id"][learnt], *_LEARNT)
    return ~learnt


def find_learnt(table: Path, rows: Columns) -> npt.NDArray[np.bool_]:
    """Tell which objects are, within an arcsecond, where one is that a model was trained or tuned on.

    Parameters
    ----------
    table : Path
        What the model learnt from, with the splits; without places nothing can be told.
    rows : dict of str to ndarray, shape (n,)
        With `ra` and `dec`; where one of them is NaN, nobody can tell.
    """
    with open_table(table) as file:
        if not {"ra", "dec"} <= set(file.schema_arrow.names):
            return np.zeros(len(rows["ra"]), dtype=bool)
    own = read_table(table, ["ra", "dec", "split"])
    learnt = own["split"] != "test"
    ra, dec = (np.concatenate([rows[name], own[name][learnt]]) for name in ("ra", "dec"))
    numbers = np.arange(len(ra)).astype(str).astype(object)
    groups = group_objects(numbers, np.full(len(ra), -1), ra, dec).astype(np.str_)
    count = len(rows["ra"])
    return np.isin(groups[:count], groups[count:])
