"""The decision tree of Galaxy Zoo 2: its tasks, their answers, and the columns that the votes are kept in."""

from dataclasses import dataclass

STATISTICS = ("count", "weight", "fraction", "weighted_fraction", "debiased", "flag")
"""What the table of Hart et al. (2016) has of each answer, in its order."""


@dataclass(frozen=True)
class Task:
    """A question that volunteers were asked.

    Attributes
    ----------
    name : str
        As the columns of the table begin, such as `t01_smooth_or_features`.
    answers : tuple of str
        As the columns go on, in the table's order, such as `a01_smooth`.
    """

    name: str
    answers: tuple[str, ...]

    def columns(self, statistic: str) -> list[str]:
        """Name the columns of one statistic, in the order of the answers."""
        return [f"{self.name}_{answer}_{statistic}" for answer in self.answers]


TASKS = {
    task.name[:3]: task
    for task in (
        Task("t01_smooth_or_features", ("a01_smooth", "a02_features_or_disk", "a03_star_or_artifact")),
        Task("t02_edgeon", ("a04_yes", "a05_no")),
        Task("t03_bar", ("a06_bar", "a07_no_bar")),
        Task("t04_spiral", ("a08_spiral", "a09_no_spiral")),
        Task(
            "t05_bulge_prominence", ("a10_no_bulge", "a11_just_noticeable", "a12_obvious", "a13_dominant")
        ),
        Task("t06_odd", ("a14_yes", "a15_no")),
        Task("t07_rounded", ("a16_completely_round", "a17_in_between", "a18_cigar_shaped")),
        Task(
            "t08_odd_feature",
            (
                "a19_ring", "a20_lens_or_arc", "a21_disturbed", "a22_irregular", "a23_other", "a24_merger",
                "a38_dust_lane",
            ),
        ),
        Task("t09_bulge_shape", ("a25_rounded", "a26_boxy", "a27_no_bulge")),
        Task("t10_arms_winding", ("a28_tight", "a29_medium", "a30_loose")),
        Task(
            "t11_arms_number", ("a31_1", "a32_2", "a33_3", "a34_4", "a36_more_than_4", "a37_cant_tell")
        ),
    )
}  # fmt: skip
"""By their numbers, `t01` to `t11`."""

VOTE_COLUMNS = tuple(
    f"{task.name}_{answer}_{statistic}"
    for task in TASKS.values()
    for answer in task.answers
    for statistic in STATISTICS
)
"""All 222 of them, in the table's order."""

KEY_COLUMNS = (
    "dr7objid", "ra", "dec", "rastring", "decstring", "sample", "gz2_class", "total_classifications",
    "total_votes",
)  # fmt: skip
"""The nine columns that the table begins with."""
