"""What must not be divided between training and test: stretches of noise and waves, and all that they join."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Names = npt.NDArray[np.object_]


def join_groups(segments: Names, waveforms: Names) -> Names:
    """Name the group of each row: rows that share a segment or a waveform, at first or second hand, share it.

    Parameters
    ----------
    segments, waveforms : ndarray of str, shape (rows,)
        An empty waveform is none, and joins nothing.

    Returns
    -------
    ndarray of str, shape (rows,)
        The first of the group's segments in alphabetical order: independent of the order of the rows.
    """
    names, segment = np.unique(segments.astype(np.str_), return_inverse=True)
    waves, wave = np.unique(waveforms.astype(np.str_), return_inverse=True)
    has_wave = waveforms.astype(np.str_) != ""
    nodes = len(names) + len(waves)
    edges = (np.ones(int(has_wave.sum())), (segment[has_wave], len(names) + wave[has_wave]))
    _, component = connected_components(coo_array(edges, shape=(nodes, nodes)), directed=False)
    # `names` is sorted, so that the first segment of a component is the smallest.
    _, first = np.unique(component[: len(names)], return_index=True)
    leader = dict(zip(component[first].tolist(), names[first].tolist(), strict=True))
    return np.array([leader[c] for c in component[segment].tolist()], dtype=object)
