"""Face of the merge stage to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def merge_shards(parts: Input[list[Dataset]], dataset: Output[Dataset]) -> None:
    """Put the shards of a data set together, in order: what an ingest without shards would have written."""
    from pathlib import Path

    from components.merge.shards.merging import merge

    provenance = merge([Path(part.path) for part in parts], Path(dataset.path))
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received)
