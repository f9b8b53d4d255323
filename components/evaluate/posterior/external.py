"""Maps of the CAMELS Multifield Dataset in a folder, to try a network on that has not seen them."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.evaluate.posterior.baselines import Baselines
from components.evaluate.posterior.measuring import answer, join
from components.evaluate.posterior.outcome import Sample
from components.ingest.camels_folder.folder import find_suites
from components.ingest.camels_maps.files_source import open_files
from components.ingest.camels_maps.ingestion import MAPS, usable_rows
from components.physics.multifield import MAPS_PER_SIMULATION
from components.preprocess.field_maps.preparation import prepare

if TYPE_CHECKING:
    from components.train.moment_network.inference import MomentModel

_MOST = 100
"""Simulations of each suite and set that are looked at."""


def try_files(
    folder: Path, model: "MomentModel", baselines: Baselines, settings: Mapping[str, Any]
) -> tuple[Provenance, Sample]:
    """Apply network and baselines to maps of files, suite by suite, at most a hundred simulations of each."""
    parts, sources, rejections, asked = [], [], Rejections(), 0
    for suite in find_suites(folder, model.fields):
        count = suite.simulations
        chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST)).astype(int))
        ingest = suite.settings(model.fields, chosen, int(settings["grid"]))
        source = open_files(ingest)
        sources.append(source.provenance)
        asked += source.asked * MAPS_PER_SIMULATION
        for simulation in source.simulations:
            rows = usable_rows(simulation, ingest, source.grid, rejections)
            if len(rows["id"]):
                prepared = {**rows, "maps": prepare(rows["maps"], settings)}
                parts.append(answer(prepared, model.sum_up(prepared["maps"]), model, baselines, settings))
    rejections.require_rest(len(parts), folder, MAPS)
    sample = join(parts)
    provenance = dataclasses.replace(
        _together(sources, folder), requested=asked, received=len(sample), rejected=rejections.counts
    )
    return provenance, sample


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
