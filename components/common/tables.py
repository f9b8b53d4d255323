"""The one table format between stages: Parquet, one row per object, arrays as fixed-shape tensors.

Column metadata holds `unit` and `description`, file metadata holds the provenance and whatever settings a later
stage needs. Both directions stream, so that a data set larger than memory passes through.

In the file an array is the little-endian bytes of its elements in C order, a FIXED_LEN_BYTE_ARRAY whose column
metadata holds `shape` and `dtype`: ``numpy.frombuffer(cell, dtype).reshape(shape)``. Parquet's own lists keep two
levels for every element, which reads eight times and writes two and a half times slower.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance

Columns = dict[str, npt.NDArray[Any]]

ROWS_PER_GROUP = 512
_PROVENANCE = b"armillary.provenance"
_SETTINGS = b"armillary.settings"
_REMEDY = "Give the table that the stage before writes."
_NAMES_LISTED = 30


def column(name: str, dtype: str, description: str, unit: str = "") -> pa.Field:
    """Describe a column of scalars; `dtype` is an Arrow type name such as `float32`, `int64` or `string`."""
    return pa.field(name, pa.type_for_alias(dtype), metadata={"unit": unit, "description": description})


def tensor_column(
    name: str, shape: Sequence[int], description: str, unit: str = "", dtype: str = "float32"
) -> pa.Field:
    """Describe a column of arrays of one shape."""
    kind = pa.fixed_shape_tensor(pa.type_for_alias(dtype), list(shape))
    return pa.field(name, kind, metadata={"unit": unit, "description": description})


class TableWriter(AbstractContextManager["TableWriter"]):
    """Write batches of rows to a Parquet file that exists only when it is complete.

    Parameters
    ----------
    path : Path
        The file to create.
    fields : sequence of pyarrow.Field
        Made by `column` and `tensor_column`.
    provenance : Provenance
        Stored in the file; assign to `writer.provenance` when the final counts are known only at the end.
    settings : mapping, optional
        JSON-able settings that later stages need, such as the pixel grid.
    rows_per_group : int
        Rows that are written and read together. The default suits rows of arrays; rows of a few numbers want more.
    """

    def __init__(
        self,
        path: Path,
        fields: Sequence[pa.Field],
        provenance: Provenance,
        settings: Mapping[str, Any] | None = None,
        rows_per_group: int = ROWS_PER_GROUP,
    ):
        self.provenance = provenance
        self.rows = 0
        self._rows_per_group = rows_per_group
        self._settings = dict(settings or {})
        self._schema = pa.schema([_stored(field) for field in fields])
        self._whole = whole(path)
        self._file = pq.ParquetWriter(
            self._whole.__enter__(),
            self._schema,
            compression="none",  # noise does not compress, and plain pages read at the speed of memory
            use_dictionary=[f.name for f in fields if pa.types.is_string(f.type)],
            write_statistics=False,
        )

    def write(self, columns: Mapping[str, npt.ArrayLike | pa.Array]) -> None:
        """Append rows; arrays of a tensor column have shape (rows, *shape)."""
        table = pa.table([_to_arrow(columns[f.name], f) for f in self._schema], schema=self._schema)
        self._file.write_table(table, row_group_size=self._rows_per_group)
        self.rows += table.num_rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._file.add_key_value_metadata(
                {_PROVENANCE: self.provenance.to_json(), _SETTINGS: json.dumps(self._settings)}
            )
        try:
            self._file.close()
        except OSError as closing:  # a full disk shows up only when the footer is flushed
            kind, error = type(closing), closing
            self._whole.__exit__(kind, error, closing.__traceback__)
            raise
        self._whole.__exit__(kind, error, trace)


def write_table(
    path: Path,
    fields: Sequence[pa.Field],
    columns: Mapping[str, npt.ArrayLike | pa.Array],
    provenance: Provenance,
    settings: Mapping[str, Any] | None = None,
    rows_per_group: int = ROWS_PER_GROUP,
) -> None:
    """Write a table that fits in memory."""
    with TableWriter(path, fields, provenance, settings, rows_per_group) as writer:
        writer.write(columns)


def read_batches(
    path: Path,
    columns: Sequence[str] | None = None,
    split: str | None = None,
    order: np.random.Generator | None = None,
) -> Iterator[Columns]:
    """Stream a table, one row group at a time.

    Parameters
    ----------
    path : Path
        A file written by `TableWriter`.
    columns : sequence of str, optional
        Columns to read, all by default.
    split : {"train", "validation", "test"}, optional
        Only the rows whose column `split` has this value.
    order : numpy.random.Generator, optional
        Read the row groups in random order.

    Yields
    ------
    dict of str to ndarray
        Tensor columns have shape (rows, *shape), without a copy where no rows were dropped.
    """
    with open_table(path) as file:
        wanted = list(columns) if columns is not None else file.schema_arrow.names
        _require_columns(path, file.schema_arrow, [*wanted, "split"] if split else wanted)
        groups = np.arange(file.num_row_groups) if order is None else order.permutation(file.num_row_groups)
        for group in groups.tolist():
            keep = None
            if split is not None:
                keep = file.read_row_group(group, columns=["split"])["split"].to_numpy() == split
                if not keep.any():
                    continue
            batch = _read_group(file, group, wanted)
            yield batch if keep is None or keep.all() else {name: a[keep] for name, a in batch.items()}


def read_table(path: Path, columns: Sequence[str] | None = None, split: str | None = None) -> Columns:
    """Read a table, or some columns or one split of it, into memory."""
    batches = list(read_batches(path, columns, split))
    if not batches:
        with open_table(path) as file:
            wanted = list(columns) if columns is not None else file.schema_arrow.names
            empty = file.schema_arrow.empty_table()
            return {name: _to_numpy(empty[name], empty.field(name)) for name in wanted}
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


def read_marked(
    path: Path, marked: npt.NDArray[np.bool_], columns: Sequence[str] | None = None, split: str | None = None
) -> Iterator[Columns]:
    """Stream some rows of a table, or of a split of it; row groups that have none of them are not read.

    Parameters
    ----------
    path, columns, split
        As for `read_batches`.
    marked : ndarray of bool, shape (rows,)
        Which rows, in the order of the table or of the split.
    """
    with open_table(path) as file:
        wanted = list(columns) if columns is not None else file.schema_arrow.names
        _require_columns(path, file.schema_arrow, [*wanted, "split"] if split else wanted)
        done = 0
        for group in range(file.num_row_groups):
            rows = np.arange(file.metadata.row_group(group).num_rows)
            if split is not None:
                rows = rows[file.read_row_group(group, columns=["split"])["split"].to_numpy() == split]
            rows, done = rows[marked[done : done + rows.size]], done + rows.size
            if rows.size:
                yield {name: values[rows] for name, values in _read_group(file, group, wanted).items()}


def read_provenance(path: Path) -> Provenance:
    """Read the provenance stored in a table."""
    with open_table(path) as file:
        text = (file.metadata.metadata or {}).get(_PROVENANCE)
    if text is None:
        raise InputError(
            f"{path} carries no provenance, so nobody can say where its rows come from.",
            "Write it with this software's ingest stage.",
        )
    return Provenance.from_json(text.decode())


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings stored in a table."""
    with open_table(path) as file:
        text = (file.metadata.metadata or {}).get(_SETTINGS, b"{}")
    settings: dict[str, Any] = json.loads(text)
    return settings


def read_schema(path: Path, needed: Iterable[str] = (), remedy: str = _REMEDY) -> pa.Schema:
    """Read which columns a table has, each with unit and description.

    Parameters
    ----------
    path : Path
        A file written by `TableWriter`.
    needed : iterable of str
        Columns that it must have.
    remedy : str
        What to do where it lacks one.
    """
    with open_table(path) as file:
        schema: pa.Schema = file.schema_arrow
    _require_columns(path, schema, needed, remedy)
    return schema


def count_rows(path: Path) -> int:
    """Count the rows of a table without reading them."""
    with open_table(path) as file:
        rows: int = file.metadata.num_rows
    return rows


def open_table(path: Path) -> pq.ParquetFile:
    """Open a Parquet file; a missing or broken one is an `InputError` that names it."""
    try:
        # Not mapped into memory: the whole file would count as the process's memory, and a file that is cut off
        # while it is read would kill the process.
        return pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no table {path}.", "Run the stage that writes it first.") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path} is not a whole Parquet file: {error}.",
            "Delete it and run the stage that writes it again.",
        ) from error


def _read_group(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> Columns:
    table = file.read_row_group(group, columns=columns)
    return {name: _to_numpy(table[name], table.field(name)) for name in columns}


def _require_columns(path: Path, schema: pa.Schema, wanted: Iterable[str], remedy: str = _REMEDY) -> None:
    missing = sorted(set(wanted) - set(schema.names))
    if missing:
        names = schema.names[:_NAMES_LISTED]
        more = f" and {len(schema.names) - len(names)} more" if len(schema.names) > len(names) else ""
        raise InputError(f"{path} has no column {', '.join(missing)}; it has {', '.join(names)}{more}.", remedy)


def _stored(field: pa.Field) -> pa.Field:
    """Return the field as it is in the file: a tensor becomes bytes that know their shape."""
    if not isinstance(field.type, pa.FixedShapeTensorType):
        return field
    dtype = np.dtype(field.type.value_type.to_pandas_dtype()).newbyteorder("<")
    size = dtype.itemsize * int(np.prod(field.type.shape))
    known = {"shape": json.dumps(list(field.type.shape)), "dtype": dtype.str}
    return pa.field(field.name, pa.binary(size), nullable=False, metadata={**(field.metadata or {}), **known})


def _to_arrow(values: npt.ArrayLike | pa.Array, field: pa.Field) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if not pa.types.is_fixed_size_binary(field.type):
        return pa.array(values, type=field.type)
    array = np.ascontiguousarray(values, dtype=field.metadata[b"dtype"].decode())
    shape = tuple(json.loads(field.metadata[b"shape"]))
    if array.shape[1:] != shape:
        raise InputError(
            f"Column {field.name} was given arrays of shape {array.shape[1:]}, but holds {shape}.",
            "Write the table with fields of the shape of the data.",
        )
    return pa.FixedSizeBinaryArray.from_buffers(field.type, len(array), [None, pa.py_buffer(array)])


def _nothing(values: pa.ChunkedArray) -> pa.Array:
    return pa.array([], type=values.type)


def _to_numpy(values: pa.ChunkedArray, field: pa.Field) -> npt.NDArray[Any]:
    # combine_chunks copies even a single chunk, and a row group has no more.
    array = values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks or [_nothing(values)])
    if not pa.types.is_fixed_size_binary(array.type):
        flat: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return flat
    dtype, shape = np.dtype(field.metadata[b"dtype"].decode()), json.loads(field.metadata[b"shape"])
    elements = int(np.prod(shape))
    tensors: npt.NDArray[Any] = np.frombuffer(
        array.buffers()[1] or b"",
        dtype,
        count=len(array) * elements,
        offset=array.offset * elements * dtype.itemsize,
    )
    return tensors.reshape(len(array), *shape)
