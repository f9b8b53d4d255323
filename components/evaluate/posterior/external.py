"""Maps of the CAMELS Multifield Dataset in a folder, to try a network on that has not seen them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.common.provenance import Provenance
from components.evaluate.posterior.baselines import Baselines
from components.evaluate.posterior.measuring import answer, join
from components.evaluate.posterior.outcome import Sample
from components.ingest.camels_folder.folder import find_suites
from components.ingest.camels_maps.files_source import open_files
from components.ingest.camels_maps.map_file import HEADER_BYTES, read_header
from components.ingest.camels_maps.schema import rows_of
from components.ingest.camels_maps.settings import Settings
from components.preprocess.field_maps.preparation import prepare

if TYPE_CHECKING:
    from components.train.moment_network.inference import MomentModel

_MOST = 100
"""Simulations of each suite that are looked at."""


def try_files(
    folder: Path, model: "MomentModel", baselines: Baselines, settings: Mapping[str, Any]
) -> tuple[Provenance, Sample]:
    """Apply network and baselines to maps of files, suite by suite, at most a hundred simulations of each."""
    parts, provenance = [], None
    for suite, camels_set, path in find_suites(folder, model.fields):
        with path.open("rb") as stream:
            count = read_header(stream.read(HEADER_BYTES), str(path)).simulations
        numbers = np.unique(np.linspace(0, count - 1, min(count, _MOST)).astype(int))
        ingest = Settings(
            source="files",
            fields=tuple(model.fields),
            suites=(suite,),
            camels_set=camels_set,
            simulations=",".join(str(number) for number in numbers),
            grid=int(settings["grid"]),
            location=str(folder.expanduser()),
        )
        source = open_files(ingest)
        provenance = provenance or source.provenance
        for simulation in source.simulations:
            rows = rows_of(suite, camels_set, simulation.number, simulation.parameters, simulation.maps)
            prepared = {**rows, "maps": prepare(rows["maps"], settings)}
            parts.append(answer(prepared, model.sum_up(prepared["maps"]), model, baselines, settings))
    assert provenance is not None
    return provenance, join(parts)
