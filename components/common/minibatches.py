"""Minibatches for training, shuffled, from tables that may be larger than memory."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError, ParameterError
from components.common.tables import Columns, open_table, read_batches, read_table

MEMORY_BYTES = 2 << 30
"""A split that fits into this much memory is read once; a larger one is streamed in every epoch."""

Converter = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]

_POOL_ROWS = 16_384
"""Most rows that a split which is streamed is shuffled in; fewer where these would not fit in memory."""


class Minibatches:
    """Rows of one split of a table, in minibatches.

    Rows that fit into memory are permuted as a whole. Otherwise row groups are read in random order into a pool of
    some ten thousand rows, fewer of large ones, and minibatches are drawn from the pool. Either way the order
    depends on the seed and the epoch alone, so that a resumed training sees what an uninterrupted one would have
    seen.

    Parameters
    ----------
    table : Path
        Parquet file with a column `split`.
    columns : sequence of str
        Columns to deliver.
    split : {"train", "validation", "test"}
        Which rows.
    size : int
        Rows in a minibatch; a last, smaller one is left out when shuffling (unless it is the only one), and
        delivered when not.
    memory_bytes : int
        Above this size the split is streamed, through a pool that takes as much while it is shuffled.
    converters : mapping of str to callable, optional
        By column: what turns its values into numbers, such as names of classes into their indices.
    """

    def __init__(
        self,
        table: Path,
        columns: Sequence[str],
        split: str,
        size: int,
        memory_bytes: int = MEMORY_BYTES,
        converters: Mapping[str, Converter] | None = None,
    ):
        self.size = size
        self._converters = dict(converters or {})
        self._table, self._columns, self._split = table, list(columns), split
        self.rows = sum(len(batch["split"]) for batch in read_batches(table, ["split"], split))
        if size < 1:
            raise ParameterError(f"A minibatch of {size} rows cannot be.", "Choose a batch_size of at least 1.")
        if self.rows == 0:
            raise InputError(
                f"{table} has no rows in the split {split!r}.",
                "Give more rows, or a larger fraction to that split.",
            )
        size_bytes = self._bytes()
        self._held = read_table(table, columns, split) if size_bytes <= memory_bytes else None
        in_memory = memory_bytes * self.rows // (2 * max(size_bytes, 1))  # joined, the pool is there twice
        self._pool_rows = max(size, min(_POOL_ROWS, in_memory))

    def __len__(self) -> int:
        """Minibatches in a shuffled epoch."""
        return max(1, self.rows // self.size)

    def in_order(self) -> Iterator[Columns]:
        """Deliver all rows in the order of the table."""
        source = [self._held] if self._held is not None else read_batches(self._table, self._columns, self._split)
        for rows in source:
            for start in range(0, len(rows[self._columns[0]]), self.size):
                yield self._converted({n: values[start : start + self.size] for n, values in rows.items()})

    def shuffled(self, seed: int, epoch: int) -> Iterator[Columns]:
        """Deliver `len(self)` minibatches in random order."""
        rng = np.random.default_rng((seed % 2**64, epoch))  # numpy refuses negative seeds
        if self._held is not None:
            order = rng.permutation(self.rows)
            for batch in range(len(self)):
                take = order[batch * self.size : (batch + 1) * self.size]
                yield self._converted({name: values[take] for name, values in self._held.items()})
            return
        yield from self._from_pool(rng)

    def _from_pool(self, rng: np.random.Generator) -> Iterator[Columns]:
        pool: list[Columns] = []
        pooled = 0
        for rows in read_batches(self._table, self._columns, self._split, order=rng):
            pool.append(rows)
            pooled += len(rows[self._columns[0]])
            if pooled >= self._pool_rows:
                rest = yield from self._drain(pool, rng)
                pool, pooled = [rest], len(rest[self._columns[0]])
        if pool:
            rest = yield from self._drain(pool, rng)
            if self.rows < self.size:
                yield self._converted(rest)

    def _drain(self, pool: list[Columns], rng: np.random.Generator) -> Generator[Columns, None, Columns]:
        """Deliver the pool in whole minibatches; what is left over is returned for the next pool."""
        joined = {name: np.concatenate([rows[name] for rows in pool]) for name in self._columns}
        order = rng.permutation(len(joined[self._columns[0]]))
        whole = len(order) // self.size * self.size
        for start in range(0, whole, self.size):
            take = order[start : start + self.size]
            yield self._converted({name: values[take] for name, values in joined.items()})
        return {name: values[order[whole:]] for name, values in joined.items()}

    def _converted(self, batch: Columns) -> Columns:
        return {
            name: self._converters[name](values) if name in self._converters else values
            for name, values in batch.items()
        }

    def _bytes(self) -> int:
        with open_table(self._table) as file:
            metadata = file.metadata
            stored = sum(
                metadata.row_group(group).column(index).total_uncompressed_size
                for group in range(metadata.num_row_groups)
                for index in range(metadata.num_columns)
                if metadata.schema.column(index).path.split(".")[0] in self._columns
            )
            return int(stored * self.rows / max(metadata.num_rows, 1))


class HeldRows(Minibatches):
    """Rows that are in memory already, such as a fold of the training rows, in minibatches.

    Parameters
    ----------
    columns : dict of str to ndarray
        All of one length.
    size : int
        Rows in a minibatch.
    """

    def __init__(self, columns: Columns, size: int):
        self.size, self.rows = size, len(next(iter(columns.values())))
        self._in_memory = columns

    def in_order(self) -> Iterator[Columns]:
        """Deliver all rows."""
        return self._take(np.arange(self.rows), -(-self.rows // self.size))

    def shuffled(self, seed: int, epoch: int) -> Iterator[Columns]:
        """Deliver `len(self)` minibatches in random order."""
        return self._take(np.random.default_rng((seed % 2**64, epoch)).permutation(self.rows), len(self))

    def _take(self, order: npt.NDArray[np.int64], batches: int) -> Iterator[Columns]:
        for batch in range(batches):
            rows = order[batch * self.size : (batch + 1) * self.size]
            yield {name: values[rows] for name, values in self._in_memory.items()}
