"""A way to the Docker engine that a test can cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class EngineProxy:
    """Forwards loopback connections to the engine's socket until `cut` is called."""

    def __init__(self, engine: str):
        self._engine = engine
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let go of all connections and refuse new ones, as an engine that dies does."""
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._open += [caller, engine]
            for source, sink in ((caller, engine), (engine, caller)):
                threading.Thread(target=_forward, args=(source, sink), daemon=True).start()


@contextmanager
def engine_proxy(engine: str = "/var/run/docker.sock") -> Iterator[EngineProxy]:
    """Give a proxy, cut at the end at the latest."""
    proxy = EngineProxy(engine)
    try:
        yield proxy
    finally:
        proxy.cut()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
