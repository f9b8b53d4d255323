"""The embedded store, run for real: started, shared, recovered and stopped."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from components.common.errors import ParameterError, StoreError
from components.common.store import Store
from pipelines.embedded_store import embedded_store
from pipelines.ports import choose_ports


def server_pid(home: Path) -> int:
    return int(json.loads((home / "store" / "server.json").read_text())["pid"])


def test_what_is_stored_survives_a_restart_and_no_server_is_left(tmp_path: Path) -> None:
    with embedded_store(tmp_path) as first:
        pid = server_pid(tmp_path)
        Store.from_environment(first).put_json("a/b.json", {"kept": True})
        addresses = {c.laddr.ip for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN}
    assert not psutil.pid_exists(pid)
    assert addresses == {"127.0.0.1"}
    assert not (tmp_path / "store" / "server.json").exists()
    with embedded_store(tmp_path) as second:
        assert second == first  # the same ports and credentials, so that addresses stay good
        assert Store.from_environment(second).get_json("a/b.json").value == {"kept": True}


def test_credentials_are_its_own_and_for_the_owner_alone(tmp_path: Path) -> None:
    with embedded_store(tmp_path) as environment:
        file = tmp_path / "store" / "credentials.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        secret = environment["AWS_SECRET_ACCESS_KEY"]
        assert len(secret) >= 40
        command_line = psutil.Process(server_pid(tmp_path)).cmdline()
        assert secret not in " ".join(command_line)
        assert "-master.telemetry=false" in command_line
        assert secret not in (tmp_path / "store" / "server.log").read_text()


def test_nothing_is_readable_around_the_credentials(tmp_path: Path) -> None:
    """SeaweedFS shows all files to anyone on the machine, and to web pages of any origin, unless told not to."""
    with embedded_store(tmp_path) as environment:
        Store.from_environment(environment).put_json("secret.json", "for my eyes only")
        ports = json.loads((tmp_path / "store" / "ports.json").read_text())
        for service in ("s3", "filer", "master", "admin"):
            for path in (
                "/armillary/secret.json",
                "/buckets/armillary/secret.json",
                "/buckets/?pretty=y",
                "/dir/status",
            ):
                answer = httpx.get(f"http://127.0.0.1:{ports[service]}{path}", timeout=60)
                assert answer.status_code in (401, 403, 404), f"{service}{path}"
                assert "my eyes" not in answer.text


def test_two_users_share_one_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    with embedded_store(tmp_path) as mine:
        pid = server_pid(tmp_path)
        with embedded_store(tmp_path) as theirs:
            assert theirs == mine
            assert server_pid(tmp_path) == pid
        assert Store.from_environment(mine).list() == []
    assert not psutil.pid_exists(pid)


def test_a_server_left_by_a_killed_process_is_found_again(tmp_path: Path) -> None:
    script = (
        "import os, signal; from pathlib import Path; from pipelines.embedded_store import embedded_store\n"
        f"with embedded_store(Path({str(tmp_path)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    orphan = server_pid(tmp_path)
    assert psutil.pid_exists(orphan)
    with embedded_store(tmp_path) as environment:
        assert server_pid(tmp_path) == orphan
        assert Store.from_environment(environment).list() == []
    assert not psutil.pid_exists(orphan)


def test_a_server_that_died_is_started_again(tmp_path: Path) -> None:
    with embedded_store(tmp_path) as environment:
        Store.from_environment(environment).put_json("kept.json", 1)
        dead = server_pid(tmp_path)
        psutil.Process(dead).kill()
        with embedded_store(tmp_path) as again:
            assert server_pid(tmp_path) != dead
            assert Store.from_environment(again).get_json("kept.json").value == 1


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 + 1])
def test_a_stale_pid_file_harms_nobody(tmp_path: Path, pid: int) -> None:
    """The first pid is that of a living process which is not the server: this one."""
    (tmp_path / "store").mkdir()
    ports = {"s3": 1, "master": 2, "volume": 3, "filer": 4, "admin": 5}
    (tmp_path / "store" / "server.json").write_text(json.dumps({"pid": pid, "started": 1.0, "ports": ports}))
    with embedded_store(tmp_path):
        assert server_pid(tmp_path) != pid


def test_broken_files_of_its_own_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    for name in ("server.json", "ports.json", "credentials.json"):
        (tmp_path / "store" / name).write_text("{")
    with embedded_store(tmp_path) as environment:
        assert Store.from_environment(environment).list() == []


def test_ports_taken_by_others_are_avoided(tmp_path: Path) -> None:
    before = choose_ports(None)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "ports.json").write_text(json.dumps(before.__dict__))
    with (
        socket.create_server(("127.0.0.1", before.s3)),
        socket.create_server(("127.0.0.1", before.filer + 10_000)),
        embedded_store(tmp_path) as environment,
    ):
        assert not environment["AWS_ENDPOINT_URL"].endswith(f":{before.s3}")
        now = json.loads((tmp_path / "store" / "ports.json").read_text())
    assert now["filer"] != before.filer
    assert now["master"] == before.master


@pytest.mark.parametrize("offset", [0, 10_000])
def test_the_port_asked_for_is_taken(tmp_path: Path, offset: int) -> None:
    port = choose_ports(None).s3
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(StoreError, match=rf"Port {port} .*taken\. Choose another"),
        embedded_store(tmp_path, port=port),
    ):
        pytest.fail("started on a taken port")
    assert not (tmp_path / "store" / "server.json").exists()


def test_the_port_asked_for_is_used_and_not_another_one_silently(tmp_path: Path) -> None:
    port = choose_ports(None).s3
    with embedded_store(tmp_path, port=port) as environment:
        assert environment["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{port}"
        with (
            pytest.raises(StoreError, match=f"runs already, at port {port}"),
            embedded_store(tmp_path, port=port + 1),
        ):
            pytest.fail("shared a server at another port")
        assert Store.from_environment(environment).list() == []


@pytest.mark.parametrize("port", [80, 60_000, -1])
def test_a_port_that_cannot_be(port: int) -> None:
    with pytest.raises(ParameterError, match="1024 to 55535"):
        choose_ports(None, port)


def test_chosen_ports_differ() -> None:
    for _ in range(20):
        ports = choose_ports(None)
        assert len({*ports.__dict__.values()}) == 5


def test_a_missing_program_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(StoreError, match=r"weed, is not installed\. .*armillary\[cli\]"), embedded_store(tmp_path):
        pytest.fail("started without a program")


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "weed"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no space left for volumes\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    failure = pytest.raises(StoreError, match=r"did not start(.|\n)*no space left for volumes(.|\n)*server\.log")
    with failure, embedded_store(tmp_path):
        pytest.fail("started a program that ends")
    assert not (tmp_path / "store" / "server.json").exists()


def test_its_socket_files_are_removed() -> None:
    ports = choose_ports(None)
    left = Path(f"/tmp/seaweedfs-s3-{ports.s3}.sock")
    left.touch()
    ports.remove_sockets()
    assert not left.exists()
