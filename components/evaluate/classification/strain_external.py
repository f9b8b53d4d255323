"""Windows of strain from outside, labelled and in the layout of the G2Net competition, on their way to a model."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.common.telemetry import warn
from components.evaluate.classification.kinds import External
from components.evaluate.classification.outcome import LABEL, Baselines, Model, predict_batches
from components.ingest.gw_strain.g2net_source import open_g2net
from components.ingest.gw_strain.settings import Settings as IngestSettings
from components.physics.detectors import DETECTORS
from components.preprocess.strain.psd import PsdEstimator
from components.preprocess.strain.whitening import Whitening

FEWEST_WINDOWS = 62
"""Of fewer windows the noise is not known as well as that of the training: two for each block of the estimate."""

_INPUTS = ("strain",)


def predict_external(
    folder: Path, model: Model, baselines: Baselines, carried: list[str], group: str, positive: str
) -> External:
    """Predict for the windows of a folder, whitened by their own noise, as the search whitens.

    The noise of other detectors is not that of the training, and labels are not asked for it: the density is that
    of all windows, whose waves, at the loudness that makes them hard to find, hardly raise its median.

    Raises
    ------
    InputError
        When there is no usable window, or the folder has another layout.
    """
    settings, rejections = IngestSettings("g2net", location=str(folder)), Rejections()
    whitening = _whitening(settings, Whitening.from_settings(model.preprocess_settings))
    source = open_g2net(settings, rejections)
    outcome = predict_batches(
        _whitened(source.batches, whitening, group), model, baselines, _INPUTS, carried, positive
    )
    if not len(outcome):
        raise InputError(
            f"None of the windows in {folder} can be used: {rejections.in_words}.",
            "Give windows of 2 s at 2048 Hz, one file each, with their labels in training_labels.csv.",
        )
    provenance = dataclasses.replace(
        source.provenance, requested=source.asked, received=len(outcome), rejected=rejections.counts
    )
    return External(outcome, rejections, provenance, ("",) * len(outcome))


def _whitening(settings: IngestSettings, own: Whitening) -> Whitening:
    """Return the model's whitening with the noise of the windows; with its own noise where they are few."""
    estimator = PsdEstimator(len(DETECTORS), own.samples, own.sample_rate)
    for columns in open_g2net(settings, Rejections()).batches:
        estimator.add(columns["strain"])
    if estimator.counts.min() < FEWEST_WINDOWS:
        warn(
            f"{int(estimator.counts.min())} windows are too few to know their noise: they are whitened by that of "
            f"the training; from {FEWEST_WINDOWS} on they are whitened by their own."
        )
        return own
    return dataclasses.replace(own, psd=estimator.estimate())


def _whitened(batches: Iterator[Columns], whitening: Whitening, group: str) -> Iterator[Columns]:
    for columns in batches:
        yield {
            **columns,
            "strain": whitening.apply(columns["strain"]),
            group: columns["segment_id"],
            LABEL: columns["label"],
        }
