"""Large archives fan out: ingest as several pods, each with a share of the rows and restartable alone.

An exercise calls `fan_out` where it would call its ingest. On a laptop that is the plain call; where `placed` asks
for shards it is a loop over them, and a merge that puts their tables together. Either way the stages after it read
the same rows in the same order. `train_each` does the same for a training of several kinds of models.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from kfp import dsl

from components.common.errors import ParameterError
from components.gather.models.component import gather_models
from components.merge.shards.component import merge_shards

_shards: ContextVar[int] = ContextVar("shards", default=1)


@contextmanager
def sharded(shards: int) -> Iterator[None]:
    """Have `fan_out` make so many shards of an ingest while the block runs.

    Raises
    ------
    ParameterError
        When there is not at least one.
    """
    if shards < 1:
        raise ParameterError(f"{shards} shards cannot be made.", "Ask for at least one.")
    token = _shards.set(shards)
    try:
        yield
    finally:
        _shards.reset(token)


def fan_out(ingest: Any, **arguments: Any) -> Any:
    """Call an ingest once, or once for each shard.

    Parameters
    ----------
    ingest : kfp component
        Takes `shard` and `shards`, and writes an output `dataset` with the tables that `merge_shards` reads.
    **arguments
        The other parameters of it.

    Returns
    -------
    kfp task
        With the output `dataset`.
    """
    shards = _shards.get()
    if shards == 1:
        return ingest(**arguments, shard=0, shards=1)
    # The number of shards is known when the pipeline is compiled: a loop over a list that a parameter gives could
    # not be looked at before the run, and a resource in it could be no parameter anyway.
    with dsl.ParallelFor(name="shards", items=list(range(shards))) as shard:
        part = ingest(**arguments, shard=shard, shards=shards)
    return merge_shards(parts=dsl.Collected(part.outputs["dataset"]))


def train_each(train: Any, kinds: Any, **arguments: Any) -> Any:
    """Call a training of several kinds of models once, or once for each kind.

    On a laptop the models are processes of one task, which takes less than pods take to begin. Where an ingest is
    sharded too, each kind has a pod of its own, which can be lost and started again alone. They get no GPU: their
    number is a parameter, which is never resolved inside a loop, and of these models at most a small network would
    use one.

    Parameters
    ----------
    train : kfp component
        Takes `kinds` and `only`, and writes outputs `models` and `model` as `gather_models` does.
    kinds : list of str, or pipeline parameter
        The loop is over what it is when the run begins.
    **arguments
        The other parameters of it.

    Returns
    -------
    kfp task
        With the outputs `models` and `model`.
    """
    if _shards.get() == 1:
        return train(**arguments, kinds=kinds, only="")
    with dsl.ParallelFor(name="models", items=kinds) as kind:
        part = train(**arguments, kinds=kinds, only=kind)
    return gather_models(parts=dsl.Collected(part.outputs["models"]))
