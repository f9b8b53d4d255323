"""Buckets that tests leave: each has volumes of its own, and the free space of the disk bounds their number."""

from components.common.store import Store


def remove(store: Store) -> None:
    """Delete a bucket with all that is in it, if it is there."""
    client = store._client
    if store.bucket in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        for key in store.list():
            store.delete(key)
        client.delete_bucket(Bucket=store.bucket)
