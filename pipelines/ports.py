"""The loopback ports of the embedded store: each of its services takes one, and the same plus 10000."""

import random
import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from components.common.errors import ParameterError, StoreError

_OFFSET = 10_000
_RANGE = range(15_000, 22_000)
"""With the offset still below the ports that Linux hands out to clients, from 32768."""


@dataclass(frozen=True)
class Ports:
    """One port a service of SeaweedFS."""

    s3: int
    master: int
    volume: int
    filer: int
    admin: int

    def options(self) -> list[str]:
        """Return the command-line options that say so."""
        listening = [f"-{name}.port={port}" for name, port in asdict(self).items()]
        return ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", *listening]

    def remove_sockets(self) -> None:
        """Remove the socket files that SeaweedFS leaves behind, unless another server has its port by now."""
        for name, port in asdict(self).items():
            if not _is_free(port):
                continue
            for stem in (f"{name}-{port}", f"{name}-grpc-{port + _OFFSET}"):
                (Path("/tmp") / f"seaweedfs-{stem}.sock").unlink(missing_ok=True)


def choose_ports(preferred: Ports | None, s3: int = 0) -> Ports:
    """Choose free ports: the preferred ones as far as they are free, and `s3` for the S3 interface if not 0.

    Raises
    ------
    ParameterError
        When `s3` is no port.
    StoreError
        When `s3` is taken.
    """
    if s3:
        _require_free(s3)
    elif preferred and _is_free(preferred.s3):
        s3 = preferred.s3
    chosen = [s3] if s3 else []
    wanted = asdict(preferred) if preferred else {}
    for field in fields(Ports)[len(chosen) :]:
        port = wanted.get(field.name, 0)
        while port in chosen or port not in _RANGE or not _is_free(port):
            port = random.choice(_RANGE)
        chosen.append(port)
    return Ports(*chosen)


def _require_free(port: int) -> None:
    if not 1024 <= port <= 65_535 - _OFFSET:
        raise ParameterError(
            f"The embedded store cannot use port {port}.",
            f"Choose one from 1024 to {65_535 - _OFFSET}: it needs that port plus {_OFFSET} as well.",
        )
    if not _is_free(port):
        raise StoreError(
            f"Port {port} (or {port + _OFFSET}, which the embedded store needs as well) is taken.",
            "Choose another one, or none to let the store find one.",
        )


def _is_free(port: int) -> bool:
    return all(_can_bind(p) for p in (port, port + _OFFSET))


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free, as for Go
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
