"""What a failure of the object store means to the person who reads it; no message holds a secret."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from boto3.s3.transfer import S3TransferRetriesExceededError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from components.common.errors import StoreError

_ABSENT = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
_TAKEN = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_REFUSED = {
    "401",
    "403",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
}


class NotInStoreError(StoreError):
    """There is no object of this name, or nothing below this prefix."""

    def __init__(self, endpoint: str, bucket: str, key: str):
        super().__init__(
            f"The store at {endpoint} has no {key or 'bucket'} in bucket {bucket}."
            if key
            else f"The store at {endpoint} has no bucket {bucket}.",
            "List what it has with `armillary runs`, or run what writes it."
            if key
            else "Create the bucket, or name another one in ARMILLARY_BUCKET.",
        )


class ConflictError(StoreError):
    """A conditional write that lost: the object exists already, or has changed since it was read."""


def without_password(endpoint: str) -> str:
    """Strip user and password from an address, for messages."""
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def missing_variables(names: Sequence[str]) -> StoreError:
    """Describe an environment that names no store."""
    return StoreError(
        f"The object store is not configured: {', '.join(names)} not set.",
        "Set them, or use `armillary run`, which starts a store of its own.",
    )


@contextmanager
def translated(endpoint: str, bucket: str, key: str) -> Iterator[None]:
    """Turn what botocore raises into a `StoreError` with a remedy."""
    try:
        yield
    except ClientError as error:
        raise _refusal(error, endpoint, bucket, key) from error
    except (ConnectionError, HTTPClientError, S3TransferRetriesExceededError) as error:
        raise StoreError(
            f"The object store at {endpoint} does not answer ({type(error).__name__}).",
            "Start it, or correct AWS_ENDPOINT_URL.",
        ) from error
    except ParamValidationError as error:
        raise StoreError(
            f"{bucket}/{key} is no name for an object: {error}.", "Correct ARMILLARY_BUCKET or the name."
        ) from error
    except BotoCoreError as error:
        raise StoreError(
            f"The transfer of {key} with the store at {endpoint} failed: {error}.", "Run again."
        ) from error


def _refusal(error: ClientError, endpoint: str, bucket: str, key: str) -> StoreError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _ABSENT:
        return NotInStoreError(endpoint, bucket, "" if code == "NoSuchBucket" else key)
    if code in _TAKEN:
        return ConflictError(
            f"{key} in the store was written by somebody else in the meantime.", "Read it again and decide anew."
        )
    if code in _REFUSED:
        return StoreError(
            f"The object store at {endpoint} refuses the credentials for bucket {bucket} ({code}).",
            "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ask for access to the bucket.",
        )
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = error.response.get("Error", {}).get("Message", "")
    return StoreError(
        f"The object store at {endpoint} failed on {key or bucket}: {code} (HTTP {status}) {said}".rstrip(" .")
        + ".",
        "Look at its log (a full disk is a usual cause) and run again."
        if status >= 500
        else "Correct the name of the object or of the bucket.",
    )
