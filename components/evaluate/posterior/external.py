"""Maps of the CAMELS Multifield Dataset in a folder, to try a network on that has not seen them."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.evaluate.posterior.baselines import Baselines
from components.evaluate.posterior.measuring import answer, join
from components.evaluate.posterior.outcome import Sample
from components.ingest.camels_folder.folder import SuiteFiles, find_suites
from components.ingest.camels_maps.files_source import open_files
from components.ingest.camels_maps.ingestion import MAPS, usable_rows
from components.ingest.camels_maps.schema import phases_of
from components.physics.multifield import MAPS_PER_SIMULATION
from components.preprocess.field_maps.preparation import prepare

if TYPE_CHECKING:
    from components.train.moment_network.inference import MomentModel

_MOST = 100
"""Simulations of each suite and set that are looked at."""


def try_files(
    folder: Path,
    model: "MomentModel",
    baselines: Baselines,
    settings: Mapping[str, Any],
    learnt: Collection[str],
) -> tuple[Provenance, Sample]:
    """Apply network and baselines to maps of files, suite by suite, at most a hundred simulations of each.

    Simulations with initial conditions that are among those `learnt` from are left out.
    """
    parts, sources, rejections, asked = [], [], Rejections(), 0
    for suite in find_suites(folder, model.fields):
        chosen, note = choose(suite, learnt)
        if not len(chosen):
            continue
        ingest = suite.settings(model.fields, chosen, int(settings["grid"]))
        source = open_files(ingest)
        sources.append(dataclasses.replace(source.provenance, notes=(*source.provenance.notes, *note)))
        asked += source.asked * MAPS_PER_SIMULATION
        for simulation in source.simulations:
            rows = usable_rows(simulation, ingest, source.grid, rejections)
            if len(rows["id"]):
                prepared = {**rows, "maps": prepare(rows["maps"], settings)}
                parts.append(answer(prepared, model.sum_up(prepared["maps"]), model, baselines, settings))
    if not sources:
        raise InputError(
            f"All simulations in {folder} have initial conditions that were trained on.",
            "Set external to a folder with other ones, such as the latin hypercube of another suite.",
        )
    rejections.require_rest(len(parts), folder, MAPS)
    sample = join(parts)
    provenance = dataclasses.replace(
        _together(sources, folder), requested=asked, received=len(sample), rejected=rejections.counts
    )
    return provenance, sample


def choose(suite: SuiteFiles, learnt: Collection[str]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Choose simulations, evenly among those of universes that were not learnt from; and say how many are not."""
    count = suite.simulations
    unseen = np.array(
        [n for n in range(count) if phases_of(suite.suite, suite.camels_set, n) not in learnt], dtype=np.int64
    )
    places = np.linspace(0, len(unseen) - 1, min(len(unseen), _MOST)).astype(np.int64)
    note = (
        f"Of the {count} simulations of {suite.suite} {suite.camels_set}, {count - len(unseen)} were left out: "
        "universes with their initial conditions were trained on."
    )
    return unseen[places], (note,) if len(unseen) < count else ()


def _together(sources: Sequence[Provenance], folder: Path) -> Provenance:
    """Describe files of several suites and sets as one source."""
    notes = dict.fromkeys(note for source in sources for note in source.notes)
    return dataclasses.replace(
        sources[0],
        archive=f"CAMELS Multifield Dataset, {folder}",
        query="; ".join(source.query for source in sources),
        sha256=sources[0].sha256 if len(sources) == 1 else "",
        notes=tuple(notes),
    )
