"""The methods beside each other: what each proposed, and what was made of it; and why k-means fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.common import clustering_scores
from components.common.clustering_scores import Labels
from components.common.wording import counted
from components.evaluate.clustering.scene import Scene

NAMES = {
    "hdbscan": "HDBSCAN",
    "dbscan": "DBSCAN",
    "kmeans": "k-means",
    "gaussian_mixture": "Gaussian mixture",
}


@dataclass(frozen=True)
class MethodScores:
    """How a method did.

    Attributes
    ----------
    method : str
        One of `NAMES`.
    groups, clusters : int
        Groups that it proposed, and clusters that passed the tests.
    proposed, made : dict of str to float
        Scores of its groups as they are, and of the clusters fitted to them; empty without truth.
    largest : float
        Share of all stars in its largest group.
    in_groups : float
        Share of all stars in any group.
    choices : dict
        What it chose by itself.
    seconds : float
        Proposing, fitting and judging together.
    rejected : dict of str to int
        Candidates that did not pass, by reason.
    """

    method: str
    groups: int
    clusters: int
    proposed: dict[str, float]
    made: dict[str, float]
    largest: float
    in_groups: float
    choices: dict[str, Any]
    seconds: float
    rejected: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return its entry in `metrics.json`."""
        return {
            "groups": self.groups,
            "clusters": self.clusters,
            "proposed": self.proposed,
            "made": self.made,
            "seconds": self.seconds,
        }


def compare_methods(scene: Scene) -> list[MethodScores]:
    """Score all methods that were run."""
    found = []
    for method in scene.methods:
        groups, members = scene.labels_of(method)
        record = scene.model.record["methods"][method]
        sizes = np.bincount(groups[groups >= 0], minlength=1)
        total = max(len(groups), 1)
        found.append(
            MethodScores(
                method,
                record["groups"],
                record["clusters"],
                _scores(scene, groups),
                _scores(scene, members),
                float(sizes.max() / total),
                float((groups >= 0).sum() / total),
                record["choices"],
                record["seconds"],
                {**record["rejected"], **record["passed_over"]},
            )
        )
    return found


def _scores(scene: Scene, labels: Labels) -> dict[str, float]:
    if scene.truth is None or not scene.truth.names:
        return {}
    table = clustering_scores.contingency(scene.truth.labels, labels)
    pairs = clustering_scores.match(table)
    return {d.name: float(d.compute(table[None], pairs)[0]) for d in clustering_scores.SCORES}


def reasons_in_words(counts: Mapping[str, int]) -> str:
    """List why groups are no clusters, and how many of them."""
    return ", ".join(f"{reason} ({count})" for reason, count in counts.items())


def explain(entry: MethodScores) -> str:
    """Say in words, from the numbers, how a method did and why."""
    name = NAMES[entry.method]
    became = {0: "none became a cluster", 1: "one became a cluster"}.get(
        entry.clusters, f"{entry.clusters} became clusters"
    )
    words = [f"{name} proposed {counted(entry.groups, 'group')}; {became}."]
    if entry.method == "kmeans" and entry.choices:
        words.append(
            f"The silhouette chose k = {entry.choices['k']}, as it rewards few, round and well-separated groups, "
            f"and the field is none of these. Each star must belong to some centre, so that {entry.in_groups:.0%} "
            f"of the stars are in a group and the largest holds {entry.largest:.0%}: a cell of the field with a "
            "cluster somewhere in it. A cluster of a few hundred stars moves no centre of thousands."
        )
    elif entry.method == "dbscan" and entry.choices:
        words.append(
            f"The knee of the k-distance curve gave one length, {entry.choices['eps']:.2f}, for the whole region. "
            f"With it {entry.in_groups:.0%} of the stars are in groups, {entry.largest:.0%} in the largest: one "
            "length cannot suit the sparse outskirts of the field and the midst of its motions at once."
        )
    elif entry.method == "gaussian_mixture" and entry.choices:
        words.append(
            f"The Bayesian criterion chose {entry.choices['k']} normal distributions. They describe the field's "
            f"density, whose largest part holds {entry.largest:.0%} of the stars; a cluster gets one of its own "
            "where it is rich enough to pay for a score of further numbers."
        )
    elif entry.method == "hdbscan":
        words.append(
            f"It has no single length: {entry.in_groups:.0%} of the stars are in groups, and the largest holds "
            f"{entry.largest:.0%}. Groups that are but ripples of the field are what the tests are for."
        )
    if entry.proposed:
        words.append(
            f"As proposed, the worst of the true clusters has an F1 of {entry.proposed['f1']:.2f}; after the fit "
            f"with the errors of its stars, and the tests, of {entry.made['f1']:.2f}."
        )
    if entry.rejected:
        words.append(f"The others did not pass: {reasons_in_words(entry.rejected)}.")
    return " ".join(words)
