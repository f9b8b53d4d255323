"""What columns are called: in the table of Hart et al., in SkyServer's, and in tables that people make of them."""

import difflib
from collections.abc import Iterable, Sequence

from components.common.errors import InputError
from components.common.telemetry import warn
from components.ingest.galaxy_zoo.derived import INGREDIENTS
from components.ingest.galaxy_zoo.schema import PHOTOMETRY, TEXT_COLUMNS
from components.physics.gz2_tasks import VOTE_COLUMNS

WANTED = (
    "dr7objid", "ra", "dec", *TEXT_COLUMNS, "total_classifications", "total_votes", *PHOTOMETRY, *VOTE_COLUMNS,
    *INGREDIENTS,
)  # fmt: skip
_OTHER_NAMES = {
    "dr7objid": ("objid", "dr7_objid", "objid_dr7"),
    "gz2_class": ("gz2class", "gz2_classes"),
    "redshift": ("z", "specz", "z_spec", "zspec"),
    "petro_r50_r": ("petror50_r",),
    "petro_r90_r": ("petror90_r",),
    "frac_dev_r": ("fracdev_r",),
    "axis_ratio_dev": ("devab_r",),
    "axis_ratio_exp": ("expab_r",),
    "dev_rad_r": ("devrad_r",),
    "exp_rad_r": ("exprad_r",),
    "m_rr_cc": ("mrrcc_r",),
    "m_e1": ("me1_r",),
    "m_e2": ("me2_r",),
    "m_cr4": ("mcr4_r",),
    "velocity_dispersion": ("veldisp",),
    "d4000": ("d4000_n",),
    "log_stellar_mass": ("lgm_tot_p50",),
}


def find_columns(
    names: Iterable[str], where: str, needed: Sequence[str] = ("dr7objid", "gz2_class")
) -> dict[str, str]:
    """Find which column of a file holds what; capitals do not matter, and the table's own names come first.

    Returns
    -------
    dict of str to str
        The file's name by ours, of those that are there.

    Raises
    ------
    InputError
        When a needed column is missing: names those that look like it.
    """
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(name.strip().lower(), name)
    if {"r", "i"} <= set(by_plain):
        by_plain.pop("z", None)  # among magnitudes, z is one of them and no redshift
    found = {}
    for ours in WANTED:
        choices = (ours, *_OTHER_NAMES.get(ours, ()))
        if match := next((by_plain[choice] for choice in choices if choice in by_plain), None):
            found[ours] = match
    for name in needed:
        if name not in found:
            like = difflib.get_close_matches(name, by_plain, n=3, cutoff=0.5)
            near = f"; {', '.join(like)} looks like it" if like else ""
            raise InputError(
                f"{where} has no column {name}, which is needed{near}.",
                f"Rename the column to {name}, as in the table gz2_hart16.",
            )
    return found


def warn_of_missing_votes(found: Iterable[str], where: str) -> None:
    """Say which vote columns a table of votes lacks: their values stay missing."""
    there = set(found)
    lacking = [name for name in VOTE_COLUMNS if name not in there]
    if lacking and len(lacking) < len(VOTE_COLUMNS):
        warn(
            f"{where} lacks {len(lacking)} of the {len(VOTE_COLUMNS)} vote columns, or calls them otherwise: "
            f"{', '.join(lacking[:3])} and so on. Their values stay missing."
        )
