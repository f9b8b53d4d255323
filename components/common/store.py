"""The one object store: artifacts, runs, models and the archive cache in a bucket of any S3 look-alike."""

import json
import mimetypes
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.config import Config

from components.common.errors import StoreError
from components.common.files import whole
from components.common.store_errors import (
    ConflictError,
    NotInStoreError,
    missing_variables,
    translated,
    without_password,
)

DEFAULT_BUCKET = "armillary"
_KEYS_PER_DELETION = 1000  # the protocol's own limit

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"total_max_attempts": 3, "mode": "standard"},
    s3={"addressing_style": "path"},  # virtual hosts need a DNS entry for each bucket
    request_checksum_calculation="when_required",  # older look-alikes reject the trailing checksums
    response_checksum_validation="when_required",
    max_pool_connections=16,
)
_TRANSFER = TransferConfig(
    multipart_threshold=16 << 20,
    multipart_chunksize=16 << 20,
    max_concurrency=8,
    preferred_transfer_client="classic",  # the same errors everywhere, whether or not awscrt is installed
)
_PARTIAL = re.compile(r"\..*\.part(\.\w+)?")


@dataclass(frozen=True)
class Document:
    """A JSON object of the store and the ETag that a conditional write needs."""

    value: Any
    etag: str


class Store:
    """A bucket, reached through names such as `runs/quasar-redshift/<run id>/run.json`.

    Parameters
    ----------
    client : botocore client
        A client for S3.
    bucket : str
        Created on construction where it does not exist and the credentials allow it.

    Raises
    ------
    StoreError
        From every method, when the store is down, refuses the credentials or has no such bucket.
    """

    def __init__(self, client: Any, bucket: str):
        self.bucket = bucket
        self.endpoint = without_password(client.meta.endpoint_url)
        self._client = client
        self._ensure_bucket()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Store":
        """Open the store that AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION name.

        The bucket is ARMILLARY_BUCKET, else `armillary`.
        """
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        missing = [name for name in names if not environment.get(name)]
        if missing:
            raise missing_variables(missing)
        endpoint = environment["AWS_ENDPOINT_URL"]
        try:
            client = boto3.session.Session().client(
                "s3",
                endpoint_url=endpoint,
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=environment.get("AWS_SESSION_TOKEN"),
                region_name=environment.get("AWS_REGION") or "us-east-1",
                config=_CONFIG,
            )
        except ValueError as error:
            raise StoreError(
                f"AWS_ENDPOINT_URL is {without_password(endpoint)!r}, which is not an address.",
                "Set it to something like http://127.0.0.1:8333.",
            ) from error
        return cls(client, environment.get("ARMILLARY_BUCKET") or DEFAULT_BUCKET)

    @classmethod
    def if_configured(cls, environment: Mapping[str, str] = os.environ) -> "Store | None":
        """Open the store if AWS_ENDPOINT_URL names one, for what works without as well, such as a cache."""
        return cls.from_environment(environment) if environment.get("AWS_ENDPOINT_URL") else None

    def put_file(self, path: Path, key: str) -> None:
        """Upload one file, in parts where it is large."""
        if not path.is_file():
            raise StoreError(
                f"There is no file {path} to put into the store.", "Run the stage that writes it first."
            )
        self._upload([(path, key)])

    def get_file(self, key: str, path: Path) -> Path:
        """Download one object; `path` exists only when it is whole."""
        with whole(path) as part:
            self._download([(key, part)])
        return path

    def put_folder(self, folder: Path, prefix: str) -> int:
        """Upload all files below `folder` at once and return their number of bytes.

        The files arrive in any order, so write what marks the folder as complete afterwards. Files that a
        killed process left half written (`.<name>.part`) stay behind.
        """
        if not folder.is_dir():
            raise StoreError(
                f"There is no folder {folder} to put into the store.", "Run the stage that writes it first."
            )
        files = [f for f in sorted(folder.rglob("*")) if f.is_file() and not _is_partial(f)]
        self._upload([(f, f"{prefix.rstrip('/')}/{f.relative_to(folder).as_posix()}") for f in files])
        return sum(f.stat().st_size for f in files)

    def get_folder(self, prefix: str, folder: Path) -> Path:
        """Download everything below `prefix`; `folder` is replaced, and only when all of it has arrived."""
        base = prefix.rstrip("/") + "/"
        keys = self.list(base)
        if not keys:
            raise NotInStoreError(self.endpoint, self.bucket, base)
        with whole(folder) as part:
            targets = [(key, part / inside(key, base)) for key in keys]
            for parent in {target.parent for _, target in targets}:
                parent.mkdir(parents=True, exist_ok=True)
            self._download(targets)
        return folder

    def put_json(self, key: str, value: Any, *, only_if_absent: bool = False, if_match: str = "") -> str:
        """Write a JSON object and return its ETag.

        Parameters
        ----------
        key : str
            Its name.
        value : object
            Anything that JSON can hold; NaN cannot.
        only_if_absent : bool
            Refuse to replace an object.
        if_match : str
            Refuse unless the object still has this ETag.

        Raises
        ------
        ConflictError
            When somebody else was first.
        """
        condition = {"IfNoneMatch": "*"} if only_if_absent else {"IfMatch": if_match} if if_match else {}
        body = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode()
        with self._errors(key):
            answer = self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType="application/json", **condition
            )
        etag: str = answer["ETag"]
        return etag

    def get_json(self, key: str) -> Document:
        """Read a JSON object; an absent one is `NotInStoreError`."""
        with self._errors(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            body = answer["Body"].read()
        try:
            return Document(json.loads(body), answer["ETag"])
        except ValueError as error:
            raise StoreError(
                f"{key} in the store is not JSON: {error}.", "Delete it and run again what writes it."
            ) from error

    def exists(self, key: str) -> bool:
        """Tell whether there is an object of this name."""
        try:
            with self._errors(key):
                self._client.head_object(Bucket=self.bucket, Key=key)
        except NotInStoreError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete one object; it is no error if there is none."""
        with self._errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def delete_folder(self, prefix: str) -> int:
        """Delete everything below `prefix` and return the number of objects."""
        keys = self.list(prefix.rstrip("/") + "/")
        for start in range(0, len(keys), _KEYS_PER_DELETION):
            chosen = [{"Key": key} for key in keys[start : start + _KEYS_PER_DELETION]]
            with self._errors(prefix):
                self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": chosen, "Quiet": True})
        return len(keys)

    def list_folders(self, prefix: str = "") -> Sequence[str]:
        """List the names directly below `prefix` that are folders, in order."""
        base = prefix.rstrip("/") + "/" if prefix else ""
        found = (entry["Prefix"] for page in self._pages(base, "/") for entry in page.get("CommonPrefixes", []))
        return [name.removeprefix(base).rstrip("/") for name in found]

    def list(self, prefix: str = "") -> Sequence[str]:
        """List the keys that begin with `prefix`, in order."""
        return [entry["Key"] for page in self._pages(prefix) for entry in page.get("Contents", [])]

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        with self._errors(prefix):
            paginator = self._client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter=delimiter)

    def _upload(self, files: Sequence[tuple[Path, str]]) -> None:
        with (
            self._errors(files[0][1] if files else ""),
            create_transfer_manager(self._client, _TRANSFER) as manager,
        ):
            for future in [
                manager.upload(str(path), self.bucket, key, extra_args={"ContentType": _content_type(path)})
                for path, key in files
            ]:
                future.result()

    def _download(self, keys: Sequence[tuple[str, Path]]) -> None:
        with self._errors(keys[0][0]), create_transfer_manager(self._client, _TRANSFER) as manager:
            for future in [manager.download(self.bucket, key, str(path)) for key, path in keys]:
                future.result()

    def _ensure_bucket(self) -> None:
        try:
            with self._errors(""):  # a listing, because the answer to HEAD has no body that says what is wrong
                self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)
        except NotInStoreError:
            with self._errors(""):
                self._client.create_bucket(Bucket=self.bucket)

    def _errors(self, key: str) -> Any:
        return translated(self.endpoint, self.bucket, key)


def inside(key: str, base: str) -> PurePosixPath:
    """Return the path of `key` below `base`, refusing names that would lead out of a folder it is written to."""
    path = PurePosixPath(key.removeprefix(base))
    if ".." in path.parts or path.is_absolute():
        raise StoreError(
            f"The store holds {key!r}, which would be written outside of its folder.",
            "Delete that object: this software did not write it.",
        )
    return path


def _is_partial(path: Path) -> bool:
    return _PARTIAL.fullmatch(path.name) is not None


def _content_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


__all__ = ["DEFAULT_BUCKET", "ConflictError", "Document", "NotInStoreError", "Store", "inside"]
