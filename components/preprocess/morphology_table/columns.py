"""Which columns of a table of galaxies a model may see, and why it may not see the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.tables import Columns
from components.physics.gz2_tasks import TASKS, VOTE_COLUMNS

STRUCTURE, VOTES = "structure", "votes"
TASK_NAMES = (STRUCTURE, VOTES)

PHOTOMETRY = (
    "redshift", "petro_mag_r", "absolute_mag_r", "u_g", "g_r", "r_i", "i_z", "petro_r50_r", "petro_r90_r",
    "petro_r50_kpc", "concentration_r", "surface_brightness_r", "frac_dev_r", "axis_ratio_dev", "axis_ratio_exp",
    "dev_rad_r", "exp_rad_r", "lnl_exp_minus_dev", "m_rr_cc", "m_ellipticity", "m_cr4", "velocity_dispersion",
    "d4000", "h_alpha_ew", "log_stellar_mass", "local_density",
)  # fmt: skip
"""Candidates of the task `structure`, in the order of their columns."""

_DEBIASED = tuple(name for task in TASKS.values() for name in task.columns("debiased"))
_MARGIN = "_margin"
_MARGINS = tuple(name.removesuffix("_debiased") + _MARGIN for name in _DEBIASED)
CANDIDATES = {STRUCTURE: PHOTOMETRY, VOTES: (*_DEBIASED, *_MARGINS)}

SOURCES = (*(name for name in PHOTOMETRY if name != "m_ellipticity"), "m_e1", "m_e2")
"""Columns of the ingest that photometric features are made of."""

_KEYS = {
    "id": "an identifier: it says which galaxy it is, and nothing about galaxies",
    "object_id": "an identifier: it says which galaxy it is, and nothing about galaxies",
    "dr7objid": "an identifier: run, camcol and field are written into it, and a model would learn where it was",
    "ra": "a place: galaxies look the same in all directions, and a model would learn neighbours by heart",
    "dec": "a place: galaxies look the same in all directions, and a model would learn neighbours by heart",
    "rastring": "a place, as text",
    "decstring": "a place, as text",
    "sample": "how the galaxy was selected, which is the survey's doing",
    "gz2_class": "the answer itself: labels are made of it",
    "total_classifications": "how many people looked, which is the project's doing",
    "total_votes": "how many questions they came to: the more there is to see, the more they are asked",
}
_ORIENTATION = "turns with the camera; the length of the vector (m_e1, m_e2) is kept as m_ellipticity"
_OF_VOTES = "a vote: gz2_class is computed from the votes, so whoever has them has the answer"
_NOT_A_VOTE = "not a vote: this task is the sanity check that votes give the class back"
_OTHER_STATISTIC = "the debiased fraction, of which the class is made, says it already"


@dataclass(frozen=True)
class Finding:
    """What was decided about a column.

    Attributes
    ----------
    name : str
        The column.
    kept : bool
        Whether it is a feature.
    reason : str
        Why, or why not.
    missing : float or None
        Share of rows without a value, where it was looked at.
    """

    name: str
    kept: bool
    reason: str
    missing: float | None = None


def features_of(columns: Columns, names: Sequence[str]) -> Columns:
    """Compute features from the columns of an ingest; what is missing stays missing, as NaN.

    Raises
    ------
    InputError
        When not one of them can be computed.
    """
    rows = len(next(iter(columns.values())))
    found = {name: _feature(columns, name) for name in names}
    if all(values is None for values in found.values()):
        raise InputError(
            f"The table has none of the columns that are needed: {', '.join(names[:8])} and so on.",
            "Give a table with photometry, named as the ingest stage names its columns.",
        )
    nothing = np.full(rows, np.nan, dtype=np.float32)
    return {name: nothing if values is None else values.astype(np.float32) for name, values in found.items()}


def needed(names: Sequence[str]) -> list[str]:
    """Name the columns of the ingest that features are computed from."""
    out: list[str] = []
    for name in names:
        if name == "m_ellipticity":
            out += ["m_e1", "m_e2"]
        elif name.endswith(_MARGIN):
            out += TASKS[name[:3]].columns("debiased")
        else:
            out.append(name)
    return list(dict.fromkeys(out))


def _feature(columns: Columns, name: str) -> npt.NDArray[np.floating] | None:
    if any(source not in columns for source in needed([name])):
        return None
    if name == "m_ellipticity":
        return np.hypot(columns["m_e1"], columns["m_e2"])
    if not name.endswith(_MARGIN):
        return columns[name]
    # By how much an answer leads over the best of the others: what the class is decided by.
    task = TASKS[name[:3]].columns("debiased")
    own = name.removesuffix(_MARGIN) + "_debiased"
    others = np.max(np.stack([columns[other] for other in task if other != own]), axis=0)
    return np.asarray(columns[own] - others)


def choose(
    task: str, missing: Mapping[str, float], varied: Mapping[str, bool], all_names: Sequence[str]
) -> list[Finding]:
    """Decide about every column.

    Parameters
    ----------
    task : {"structure", "votes"}
        `structure` leaves the votes out, `votes` leaves everything else out.
    missing : mapping of str to float
        Share of rows without a value, for each candidate.
    varied : mapping of str to bool
        Whether a candidate has more than one value in the training rows.
    all_names : sequence of str
        Columns of the table.

    Returns
    -------
    list of Finding
        Candidates first, then every other column.
    """
    candidates = CANDIDATES[task]
    findings = []
    for name in candidates:
        if missing[name] >= 1:
            findings.append(Finding(name, False, "has no value in any row of this table", missing[name]))
        elif not varied[name]:
            findings.append(
                Finding(name, False, "has the same value, or none, in all training rows", missing[name])
            )
        else:
            findings.append(Finding(name, True, "a feature", missing[name]))
    return findings + [Finding(name, False, _reason(name, task)) for name in all_names if name not in candidates]


def _reason(name: str, task: str) -> str:
    if name in _KEYS:
        return _KEYS[name]
    if name in VOTE_COLUMNS:
        return _OF_VOTES if task == STRUCTURE else _OTHER_STATISTIC
    if task == VOTES:
        return _NOT_A_VOTE
    return _ORIENTATION if name in ("m_e1", "m_e2") else "not among the measurements that this task knows"
