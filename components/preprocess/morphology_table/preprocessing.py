"""The preprocess stage: from a table of galaxies and votes to features, labels and splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.files import whole, write_json
from components.common.rejections import Rejections
from components.common.splits import assign_splits
from components.common.tables import (
    Columns,
    TableWriter,
    column,
    read_batches,
    read_provenance,
    read_schema,
    read_settings,
    read_table,
    tensor_column,
)
from components.common.telemetry import report_counts, report_progress, stage
from components.physics.gz2_classes import merges
from components.physics.gz2_tasks import TASKS
from components.preprocess.morphology_table.columns import (
    CANDIDATES,
    STRUCTURE,
    VOTES,
    Finding,
    choose,
    features_of,
    needed,
)
from components.preprocess.morphology_table.groups import correlated, group_rows
from components.preprocess.morphology_table.labels import AGREEMENT_TASKS, agreement, labels_of, without_rare
from components.preprocess.morphology_table.settings import Settings

__all__ = ["Settings", "preprocess"]

DATASET, TRUTH, REJECTED, COLUMNS = "dataset.parquet", "truth.parquet", "rejected.parquet", "columns.json"
ROWS_PER_GROUP = 1 << 14
_CARRIED = ("id", "ra", "dec", "sample", "gz2_class")
_NEEDED = ("id", "object_id", "ra", "dec", "gz2_class")


@dataclass(frozen=True)
class _Plan:
    """What was decided from the whole table, before its rows are written."""

    keep: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.object_]
    galaxies: npt.NDArray[np.object_]
    splits: npt.NDArray[np.str_]
    classes: list[str]
    findings: list[Finding]
    groups: dict[str, list[str]]

    @property
    def features(self) -> list[str]:
        return [finding.name for finding in self.findings if finding.kept]


def preprocess(galaxies: Path, output: Path, settings: Settings) -> None:
    """Choose columns, make labels, and assign every galaxy to train, validation or test.

    Parameters
    ----------
    galaxies : Path
        Folder with the `dataset.parquet` of an ingest stage, and its `truth.parquet` if it has one.
    output : Path
        Folder to create: `dataset.parquet`, `rejected.parquet`, `columns.json` with every column and why it is in
        or out, and, where the truth is known and the task is `structure`, `truth.parquet` with the probability of
        every class given all features, row by row as in the dataset. Train reads the dataset alone.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When no feature, or fewer than two classes are left, or a class string is none.
    """
    with stage("preprocess", output), whole(output) as folder:
        source, rejections = galaxies / DATASET, Rejections()
        names = read_schema(source, _NEEDED, "Give the folder that ingest of Galaxy Zoo wrote.").names
        plan = _plan(source, names, settings, rejections)
        provenance = read_provenance(source).with_rejected(rejections.counts)
        stored = _stored(plan, settings)
        with TableWriter(folder / DATASET, _fields(source, plan), provenance, stored, ROWS_PER_GROUP) as writer:
            _write(source, names, plan, settings, writer)
        if (galaxies / TRUTH).is_file() and settings.task == STRUCTURE:
            _write_truth(galaxies / TRUTH, folder / TRUTH, plan, settings, source)
        rejections.write(folder / REJECTED, provenance)
        write_json(
            folder / COLUMNS, {"task": settings.task, "columns": [asdict(f) for f in plan.findings], **stored}
        )
        report_counts(rows_in=len(plan.keep), rows_out=writer.rows, rejected=len(rejections))


def _plan(source: Path, names: Sequence[str], settings: Settings, rejections: Rejections) -> _Plan:
    keys = read_table(source, list(_NEEDED))
    if not len(keys["id"]):
        raise InputError(f"{source} has no rows.", "Run the ingest stage with more galaxies.")
    labels = labels_of(keys["gz2_class"], settings.level)
    galaxies = group_rows(keys["object_id"], keys["ra"], keys["dec"])
    splits = assign_splits(galaxies, **settings.split)
    keep, classes = without_rare(keys["id"], labels, splits, settings.level, settings.minimum_members, rejections)
    candidates = CANDIDATES[settings.task]
    present = [name for name in needed(candidates) if name in names]
    values = features_of(read_table(source, present or ["id"]), candidates)
    values = {name: column[keep] for name, column in values.items()}
    missing = {name: float(np.isnan(column).mean()) for name, column in values.items()}
    train = splits[keep] == "train"
    varied = {name: _varies(column[train]) for name, column in values.items()}
    findings = choose(settings.task, missing, varied, names)
    features = [finding.name for finding in findings if finding.kept]
    if not features:
        raise InputError(
            f"{source} has no feature for the task {settings.task}: {', '.join(candidates[:3])} and so on lack.",
            "Ingest with photometry (SkyServer, or a file given as photometry), or choose the other task.",
        )
    groups = correlated({name: values[name][train] for name in features}, settings.correlation)
    return _Plan(keep, labels, galaxies, splits, classes, findings, groups)


def _varies(values: npt.NDArray[np.floating]) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and (known != known[0]).any())


def _stored(plan: _Plan, settings: Settings) -> dict[str, Any]:
    known = merges(settings.level)
    counts = Counter(plan.labels[plan.keep].tolist())
    return {
        "data": "morphology",
        "task": settings.task,
        "level": settings.level,
        "features": plan.features,
        "groups": plan.groups,
        "classes": plan.classes,
        "merges": {name: list(known[name]) for name in plan.classes},
        "counts": {name: counts[name] for name in plan.classes},
        "split": settings.split,
        "settings": asdict(settings),
        # What promote reads: galaxies that nobody has voted on yet could not be told by such a model.
        **({"check": "its features are the votes that the class was made of"} if settings.task == VOTES else {}),
    }


def _fields(source: Path, plan: _Plan) -> list[Any]:
    known = {field.name: field for field in read_schema(source)}
    missing = {finding.name: finding.missing for finding in plan.findings}
    return [
        *(known[name] for name in _CARRIED if name in known),
        column("object_id", "string", "the galaxy: rows of one galaxy are in one split"),
        column("label", "string", "class at the chosen level"),
        column("split", "string", "train, validation or test; one for all rows of a galaxy"),
        column("agreement", "float32", "how much the votes agreed on the class, 0 to 1; NaN without votes"),
        *(column(name, "float32", _describe(known, name, missing[name])) for name in plan.features),
    ]


def _describe(known: Mapping[str, Any], name: str, missing: float | None) -> str:
    text = known[name].metadata[b"description"].decode() if name in known else "derived; see columns.json"
    return f"{text}; NaN in {missing or 0:.1%} of the rows"


def _write(source: Path, names: Sequence[str], plan: _Plan, settings: Settings, writer: TableWriter) -> None:
    carried = [name for name in _CARRIED if name in names]
    votes = [name for task in AGREEMENT_TASKS for name in TASKS[task].columns("debiased") if name in names]
    wanted = [name for name in needed(plan.features) if name in names]
    done = 0
    for batch in read_batches(source, list(dict.fromkeys([*carried, *wanted, *votes]))):
        rows = slice(done, done + len(batch["id"]))
        done = rows.stop
        out: Columns = {name: batch[name] for name in carried}
        out |= {"object_id": plan.galaxies[rows], "label": plan.labels[rows], "split": plan.splits[rows]}
        out |= {"agreement": agreement({name: batch[name] for name in votes} or batch, settings.level)}
        out |= features_of(batch, plan.features)
        keep = plan.keep[rows]
        writer.write({name: values[keep] for name, values in out.items()})
        report_progress(done, len(plan.keep), "galaxies")


def _write_truth(source: Path, target: Path, plan: _Plan, settings: Settings, dataset: Path) -> None:
    """Sum the probabilities of trunks to those of the level's classes, given that the class is one of them."""
    truth, order = read_table(source), list(read_settings(source)["classes"])
    if not np.array_equal(truth["id"], read_table(dataset, ["id"])["id"]):
        raise InputError(f"{source} has other galaxies than the dataset beside it.", "Give what one ingest wrote.")
    known = merges(settings.level)
    sums = [truth["sim_posterior"][:, [order.index(t) for t in known[name]]].sum(axis=1) for name in plan.classes]
    posterior = np.column_stack(sums)[plan.keep]
    posterior = posterior / posterior.sum(axis=1, keepdims=True)
    fields = [
        column("id", "string", "identifier of the row in the dataset"),
        tensor_column(
            "sim_posterior",
            (len(plan.classes),),
            f"probability of {', '.join(plan.classes)} given all features: no model can know better",
            dtype="float64",
        ),
    ]
    with ExitStack() as stack:
        about = {"classes": plan.classes, "level": settings.level}
        writer = stack.enter_context(TableWriter(target, fields, read_provenance(source), about, ROWS_PER_GROUP))
        writer.write({"id": truth["id"][plan.keep], "sim_posterior": posterior})
