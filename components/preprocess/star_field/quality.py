"""Which stars are good enough, and what each cut costs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.rejections import Rejections
from components.common.tables import Columns
from components.preprocess.star_field.settings import Settings

COLUMNS = (
    "source_id", "ra", "dec", "phot_g_mean_mag", "ruwe", "visibility_periods_used",
    "parallax_error", "pmra_error", "pmdec_error",
)  # fmt: skip
_UNKNOWN_PERIODS = -1


class QualityCuts:
    """Apply cuts batch by batch and count what each of them removes."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self.rows = 0
        self.kept = 0
        self._counts: dict[str, list[int]] = {}

    def keep(self, stars: Columns, rejections: Rejections) -> npt.NDArray[np.bool_]:
        """Tell which stars pass, and record the others with the first cut that they fail."""
        keep = np.ones(len(stars["source_id"]), dtype=bool)
        self.rows += len(keep)
        cuts = self._cuts(stars)
        failed_by = np.sum([bad for _, bad in cuts.values()], axis=0) if cuts else np.zeros(len(keep))
        for reason, (detail, bad) in cuts.items():
            count = self._counts.setdefault(reason, [0, 0, 0])
            count[0] += int(bad.sum())
            count[1] += int((bad & (failed_by == 1)).sum())
            count[2] += int((bad & keep).sum())
            rejections.add_many(stars["source_id"][keep & bad], reason, detail)
            keep &= ~bad
        self.kept += int(keep.sum())
        return keep

    def report(self) -> list[dict[str, Any]]:
        """List the cuts in their order: how many stars fail each, fail nothing else, and went by it first."""
        limits = self._limits()
        return [
            {"cut": reason, "limit": limits[reason], "fail": fail, "fail_only_this": alone, "removed": removed}
            for reason, (fail, alone, removed) in self._counts.items()
        ]

    def _limits(self) -> dict[str, float]:
        s = self._settings
        return {
            "faint": s.maximum_magnitude,
            "high RUWE": s.maximum_ruwe,
            "few visibility periods": s.minimum_visibility_periods,
            "large parallax error": s.maximum_parallax_error,
            "large proper motion error": s.maximum_pm_error,
        }

    def _cuts(self, stars: Columns) -> dict[str, tuple[str, npt.NDArray[np.bool_]]]:
        s = self._settings
        periods = stars["visibility_periods_used"]
        with np.errstate(invalid="ignore"):  # NaN is unknown, and unknown passes
            motion = np.maximum(stars["pmra_error"], stars["pmdec_error"])
            bad = {
                "faint": stars["phot_g_mean_mag"] > s.maximum_magnitude,
                "high RUWE": stars["ruwe"] > s.maximum_ruwe,
                "few visibility periods": (periods != _UNKNOWN_PERIODS) & (periods < s.minimum_visibility_periods),
                "large parallax error": stars["parallax_error"] > s.maximum_parallax_error,
                "large proper motion error": motion > s.maximum_pm_error,
            }
        return {
            reason: (f"the limit is {limit:g}", bad[reason])
            for reason, limit in self._limits().items()
            if limit > 0
        }
