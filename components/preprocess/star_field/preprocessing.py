"""The preprocess stage: stars of a region, good ones alone, on a plane, in units that suit clusters."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from components.common.errors import InputError
from components.common.files import whole, write_json
from components.common.rejections import Rejections
from components.common.tables import (
    Columns,
    TableWriter,
    column,
    count_rows,
    open_table,
    read_batches,
    read_provenance,
    read_schema,
    read_settings,
)
from components.common.telemetry import report_counts, report_progress, stage
from components.physics.celestial import directions, tangent_axes, to_tangent_plane, unit_vectors
from components.preprocess.star_field import parallaxes, quality
from components.preprocess.star_field.parallaxes import ZeroPoint
from components.preprocess.star_field.quality import QualityCuts
from components.preprocess.star_field.scaling import Scaling
from components.preprocess.star_field.settings import Settings

__all__ = ["Settings", "preprocess"]

DATASET, TRUTH, REJECTED = "dataset.parquet", "truth.parquet", "rejected.parquet"
ROWS_PER_GROUP = 1 << 16
_NEEDED = (*quality.COLUMNS, *parallaxes.COLUMNS, "parallax", "pmra", "pmdec")
_FARTHEST_DEG = 80.0
_NEW_FIELDS = (
    column("x_deg", "float64", "towards east of the centre, on the tangent plane", "deg"),
    column("y_deg", "float64", "towards north of the centre, on the tangent plane", "deg"),
    column("pm_x", "float64", "proper motion along x: pmra where the region is small and no pole near", "mas/yr"),
    column("pm_y", "float64", "proper motion along y", "mas/yr"),
    column("parallax_corrected", "float64", "parallax without its zero-point", "mas"),
)


@dataclass(frozen=True)
class _Survey:
    """What a first look at the whole table says."""

    centre: tuple[float, float]
    median_pm_error: float
    median_parallax_error: float
    nulls: dict[str, int]


def preprocess(stars: Path, output: Path, settings: Settings) -> None:
    """Cut, correct, project and scale the stars of a region.

    The table is read twice, in pieces; what stays in memory are the places and errors of the first reading.

    Parameters
    ----------
    stars : Path
        Folder with the `dataset.parquet` of an ingest stage, and its `truth.parquet` if it has one.
    output : Path
        Folder to create, with `dataset.parquet`, `rejected.parquet`, `quality.json` and `truth.parquet`, which is
        carried through unread but for its identifiers.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When no star is left, or truth is not that of the stars.
    """
    with stage("preprocess", output), whole(output) as folder:
        source = stars / DATASET
        schema = read_schema(source, _NEEDED, "Give the folder that an ingest stage of stars wrote.")
        about = read_settings(source)
        survey = _look_over(source, settings, about)
        scaling = Scaling.of(settings, survey.median_pm_error, survey.median_parallax_error)
        release = about.get("release", "dr3")
        zero_point = ZeroPoint(release)
        cuts, rejections = QualityCuts(settings), Rejections()
        stored = {
            "region": _region(about, survey),
            "release": release,
            "features": list(scaling.weights),
            "weights": scaling.weights,
            "scales": scaling.scales,
            "settings": asdict(settings),
        }
        provenance = read_provenance(source)
        total = count_rows(source)
        with ExitStack() as stack:
            writer = stack.enter_context(
                TableWriter(folder / DATASET, _fields(schema, scaling), provenance, stored, ROWS_PER_GROUP)
            )
            truth = _Truth(stars / TRUTH, folder / TRUTH, stack)
            for batch in read_batches(source):
                keep = cuts.keep(batch, rejections)
                kept = {name: values[keep] for name, values in batch.items()}
                kept |= _derived(kept, survey.centre, zero_point if settings.zero_point == "correct" else None)
                kept |= scaling.apply(kept)
                writer.write(kept)
                truth.write(batch["source_id"], keep)
                report_progress(cuts.rows, total, "stars", rejected=len(rejections))
            _require_stars(source, cuts)
            writer.provenance = truth.provenance = provenance.with_rejected(rejections.counts)
        rejections.write(folder / REJECTED, writer.provenance)
        report = {"rows_in": cuts.rows, "rows_out": cuts.kept, "cuts": cuts.report(), "nulls": survey.nulls}
        ways = zero_point.counts if settings.zero_point == "correct" else {"not corrected": cuts.kept}
        write_json(folder / "quality.json", {**report, "zero_point": ways, **stored})
        report_counts(rows_in=cuts.rows, rows_out=cuts.kept, rejected=len(rejections))


class _Truth:
    """Carry `truth.parquet` through, row by row as the stars; nothing of it reaches the dataset."""

    def __init__(self, source: Path, target: Path, stack: ExitStack):
        self._batches: Iterator[Columns] | None = None
        self._source = source
        if source.is_file():
            with open_table(source) as file:
                fields = list(file.schema_arrow.remove_metadata())
            self._writer = stack.enter_context(
                TableWriter(target, fields, read_provenance(source), read_settings(source), ROWS_PER_GROUP)
            )
            self._batches = read_batches(source)
        self._held: Columns = {}

    def write(self, source_id: np.ndarray[Any, Any], keep: np.ndarray[Any, Any]) -> None:
        """Write the rows of these stars that are kept."""
        if self._batches is None:
            return
        rows = self._take(len(source_id))
        if not np.array_equal(rows["source_id"], source_id):
            raise InputError(
                f"{self._source} has other stars than the dataset beside it.", "Give the folder that ingest wrote."
            )
        self._writer.write({name: values[keep] for name, values in rows.items()})

    @property
    def provenance(self) -> Any:
        """What is stored in the table."""
        return self._writer.provenance if self._batches is not None else None

    @provenance.setter
    def provenance(self, value: Any) -> None:
        if self._batches is not None:
            self._writer.provenance = value

    def _take(self, number: int) -> Columns:
        """Take the next rows, however the file groups them."""
        assert self._batches is not None
        while len(self._held.get("source_id", ())) < number and (more := next(self._batches, None)) is not None:
            held = self._held
            self._held = {n: np.concatenate([held[n], more[n]]) for n in more} if held else more
        taken = {name: values[:number] for name, values in self._held.items()}
        self._held = {name: values[number:] for name, values in self._held.items()}
        return taken if taken else {"source_id": np.empty(0, dtype=np.int64)}


def _fields(schema: pa.Schema, scaling: Scaling) -> list[pa.Field]:
    """Describe the output: what is carried over keeps the description that it came with."""
    features = [
        column(name, "float32", f"{weight:g} times the column over {scaling.scales[name]:.4g}")
        for name, weight in scaling.weights.items()
    ]
    return [*schema, *_NEW_FIELDS, *features]


def _look_over(source: Path, settings: Settings, about: dict[str, Any]) -> _Survey:
    """Find the centre and the median errors of the good stars, and count nulls in all."""
    cuts, nobody = QualityCuts(settings), Rejections()
    vectors = np.zeros(3)
    motion, parallax = [], []
    nulls: dict[str, int] = {}
    columns = [*quality.COLUMNS, "bp_rp", "nu_eff_used_in_astrometry", "pseudocolour"]
    for batch in read_batches(source, list(dict.fromkeys(columns))):
        keep = cuts.keep(batch, nobody)
        nobody = Rejections()
        vectors += unit_vectors(batch["ra"][keep], batch["dec"][keep]).sum(axis=0)
        motion += [batch[name][keep] for name in ("pmra_error", "pmdec_error")]
        parallax.append(batch["parallax_error"][keep])
        for name, values in batch.items():
            if values.dtype.kind == "f" and (count := int(np.isnan(values).sum())):
                nulls[name] = nulls.get(name, 0) + count
    _require_stars(source, cuts)
    region = about.get("region") or {}
    mean = tuple(float(angle) for angle in directions(vectors))
    centre = (float(region.get("ra", mean[0])), float(region.get("dec", mean[1])))
    return _Survey(
        centre, float(np.median(np.concatenate(motion))), float(np.median(np.concatenate(parallax))), nulls
    )


def _region(about: dict[str, Any], survey: _Survey) -> dict[str, Any]:
    ra, dec = survey.centre
    return about.get("region") or {"name": "", "ra": ra, "dec": dec, "radius_deg": 0.0, "polygon": []}


def _derived(stars: Columns, centre: tuple[float, float], zero_point: ZeroPoint | None) -> Columns:
    """Compute the columns of `_NEW_FIELDS`."""
    x, y = to_tangent_plane(stars["ra"], stars["dec"], *centre)
    if np.any(~(np.hypot(x, y) < np.degrees(np.tan(np.radians(_FARTHEST_DEG))))):
        raise InputError(
            f"Some stars are more than {_FARTHEST_DEG:.0f} degrees from the centre at RA {centre[0]:.3f}, Dec "
            f"{centre[1]:.3f}, where no tangent plane reaches.",
            "Ingest a smaller region.",
        )
    # Near a pole east and north turn from star to star: motions are taken along the axes of the centre.
    east, north = tangent_axes(stars["ra"], stars["dec"])
    motion = stars["pmra"][:, None] * east + stars["pmdec"][:, None] * north
    east_of_centre, north_of_centre = tangent_axes(*centre)
    offset = 0.0 if zero_point is None else zero_point.of(stars)
    return {
        "x_deg": x,
        "y_deg": y,
        "pm_x": motion @ east_of_centre,
        "pm_y": motion @ north_of_centre,
        "parallax_corrected": stars["parallax"] - offset,
    }


def _require_stars(source: Path, cuts: QualityCuts) -> None:
    if cuts.kept == 0:
        reasons = ", ".join(f"{c['removed']} {c['cut']} (limit {c['limit']:g})" for c in cuts.report())
        raise InputError(
            f"No star of {source} is left: {reasons if cuts.rows else 'the table is empty'}.",
            "Loosen the cut that removes most, or ingest another region.",
        )
