"""`armillary submit` against the interface that Kubeflow publishes; see `stub` for what that proves."""

import json
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
import toy
from command_line import Armillary
from stub import Fault, Stub, serve_stub

from components.common.errors import ParameterError
from pipelines.catalogue import EXERCISES
from pipelines.cluster import submission
from pipelines.cluster.client import Cluster, connect
from pipelines.cluster.errors import ClusterError, NotKubeflowError
from pipelines.compilation import compile_exercise

pytestmark = pytest.mark.contract

NOWHERE: Mapping[str, str] = {}


def connected(stub: Stub, **options: str) -> Cluster:
    return connect(stub.url, environment=NOWHERE, **options)


def test_submit_makes_what_is_missing_and_prints_the_link(armillary: Armillary, stub: Stub) -> None:
    done = armillary(
        "submit", "toy", "--host", stub.url, "--preset", "smoke", "--set", "seconds=0.5", "--gpus", "1"
    )
    assert done.returncode == 0, done.stderr
    ((run_id, run),) = stub.runs.items()
    assert f"{stub.url}/#/runs/details/{run_id}" in done.stdout.splitlines()
    assert done.stderr == ""
    (pipeline,), (version,) = stub.pipelines.values(), stub.versions.values()
    assert pipeline.name == "toy"
    assert re.fullmatch(r"toy-smoke-[0-9a-f]{16}", version.name)
    assert f"version {version.name} (uploaded)" in done.stdout.splitlines()
    assert [e.display_name for e in stub.experiments.values()] == ["toy"]
    sent = run.runtime_config.parameters
    assert (sent["rows"], sent["seconds"], sent["kernels"], sent["gpus"]) == (3, 0.5, [3, 2], "1")
    assert run.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id


def test_a_second_submission_uploads_nothing(stub: Stub) -> None:
    cluster, compiled = connected(stub), compile_exercise(toy.DEFINITION, "smoke")
    first, second = (submission.publish(cluster, "toy", compiled) for _ in range(2))
    assert (first.uploaded, second.uploaded) == (True, False)
    assert first.version_id == second.version_id
    assert submission.experiment_id(cluster, "mine") == submission.experiment_id(cluster, "mine")
    assert (len(stub.pipelines), len(stub.versions), len(stub.experiments)) == (1, 1, 1)


def test_other_code_is_another_version_of_the_same_pipeline(stub: Stub) -> None:
    cluster = connected(stub)
    for preset in ("smoke", "demo"):
        submission.publish(cluster, "toy", compile_exercise(toy.DEFINITION, preset))
    assert (len(stub.pipelines), len(stub.versions)) == (1, 2)


def test_of_several_who_publish_at_once_all_get_the_same_version(stub: Stub) -> None:
    compiled = compile_exercise(toy.DEFINITION, "smoke")
    found, barrier = [], threading.Barrier(4)

    def publish() -> None:
        cluster = connected(stub)
        barrier.wait()
        found.append(submission.publish(cluster, "toy", compiled).version_id)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == len(stub.versions) == len(stub.pipelines) == 1


def test_an_upload_that_others_have_won_is_taken(stub: Stub) -> None:
    cluster, compiled = connected(stub), compile_exercise(toy.DEFINITION, "smoke")
    won = submission.publish(cluster, "toy", compiled)
    nothing_yet = Fault(200, "{}")
    stub.fail("GET", f"/apis/v2beta1/pipelines/{won.pipeline_id}/versions", nothing_yet)
    again = submission.publish(cluster, "toy", compiled)
    assert stub.requests[-2] == ("POST", "/apis/v2beta1/pipelines/upload_version")
    assert (again.version_id, again.uploaded) == (won.version_id, False)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_every_exercise_is_accepted(stub: Stub, exercise) -> None:  # type: ignore[no-untyped-def]
    cluster, definition = connected(stub), exercise.load()
    published = submission.publish(cluster, exercise.slug, compile_exercise(definition, "smoke"))
    parameters = submission.parameters_for_cluster(definition, "smoke", {}, 0)
    submission.start_run(cluster, published, experiment="e", name="n", parameters=parameters)
    assert len(stub.runs) == 1


def test_the_stub_refuses_as_the_server_does(stub: Stub) -> None:
    cluster = connected(stub)
    published = submission.publish(cluster, "toy", compile_exercise(toy.DEFINITION, "smoke"))
    for parameters, words in [
        ({"rosw": 3}, "rosw is not an input"),
        ({"rows": "3"}, "requires type NUMBER_INTEGER"),
    ]:
        with pytest.raises(ClusterError, match=words):
            submission.start_run(cluster, published, experiment="e", name="n", parameters=parameters)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--preset", "dmeo"], 2, "Did you mean 'demo'?"),
        (["--set", "rosw=3"], 2, "Did you mean 'rows'?"),
        (["--set", "rows=many"], 2, "rows=many is not a whole number."),
        (["--set", "location=/data"], 2, "location names files of this machine"),
        (["--gpus", "-1"], 2, "There are no -1 GPUs."),
        (["--timeout", "5"], 2, "Add --wait."),
        (["--namespace", "mine"], 2, "has one namespace for all runs"),
        (["--ca", "/no/such.pem"], 2, "There is no file /no/such.pem"),
    ],
)
def test_a_mistake_is_told_before_anything_is_made(
    armillary: Armillary, stub: Stub, arguments: list[str], code: int, words: str
) -> None:
    done = armillary("submit", "toy", "--host", stub.url, *arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert all(method == "GET" and path.endswith("/healthz") for method, path in stub.requests)


def test_without_a_host_the_variable_is_named(armillary: Armillary) -> None:
    done = armillary("submit", "toy")
    assert (done.returncode, done.stderr) == (
        2,
        "Which cluster?\nGive its address with --host, or set KFP_HOST.\n",
    )


@pytest.mark.parametrize("variable", ["KFP_HOST", "KF_PIPELINES_ENDPOINT"])
def test_the_host_may_come_from_the_environment(armillary: Armillary, stub: Stub, variable: str) -> None:
    ui = {"KF_PIPELINES_UI_ENDPOINT": "http://pages.example"}
    done = armillary("submit", "toy", "--preset", "smoke", "--json", **{variable: stub.url}, **ui)
    (run_id,) = stub.runs
    result = json.loads(done.stdout)
    assert (result["run"], result["url"]) == (run_id, f"http://pages.example/#/runs/details/{run_id}")
    assert re.fullmatch(r"toy-smoke-[0-9a-f]{16}", result["version"])


def test_the_token_is_sent_and_never_printed(armillary: Armillary, stub: Stub) -> None:
    stub.token = "a-very-secret-token"
    refused = armillary("submit", "toy", "--host", stub.url, "--preset", "smoke", KFP_TOKEN="an-old-secret")
    assert refused.returncode == 1
    assert "401" in refused.stderr
    assert "Set KFP_TOKEN to a token that is still valid" in refused.stderr
    accepted = armillary(
        "submit", "toy", "--host", stub.url, "--preset", "smoke", KFP_TOKEN=stub.token, KFP_COOKIE="session=sweet"
    )
    assert accepted.returncode == 0, accepted.stderr
    assert stub.headers[-1]["cookie"] == "session=sweet"
    assert not re.search("secret|sweet", refused.stdout + refused.stderr + accepted.stdout + accepted.stderr)


def test_where_several_work_the_namespace_is_asked_for_and_sent(stub: Stub) -> None:
    stub.multi_user = True
    with pytest.raises(ParameterError, match="Name yours with --namespace"):
        connected(stub)
    cluster = connected(stub, namespace="mine")
    published = submission.publish(cluster, "toy", compile_exercise(toy.DEFINITION, "smoke"))
    submission.start_run(cluster, published, experiment="e", name="n", parameters={})
    assert [e.namespace for e in stub.experiments.values()] == ["mine"]


def test_a_host_that_does_not_answer_is_told_in_two_lines(armillary: Armillary) -> None:
    done = armillary("submit", "toy", "--host", "http://127.0.0.1:9")
    assert done.returncode == 1
    problem, remedy = done.stderr.splitlines()
    assert problem.startswith("http://127.0.0.1:9 does not answer: ")
    assert remedy.startswith("Check the address")


@pytest.mark.parametrize("host", ["127.0.0.1:8888", "ftp://kfp", "http://"])
def test_what_is_no_address_is_told(host: str) -> None:
    with pytest.raises(ParameterError, match="is no address"):
        connect(host, environment=NOWHERE)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(200, "<!doctype html><title>Login</title>", "text/html"), "not as Kubeflow Pipelines does"),
        (Fault(200, '["something else"]'), "not as Kubeflow Pipelines does"),
        (Fault(403, '{"message": "no access", "code": 7}'), "403. no access"),
        (Fault(401, "<html>who are you?</html>", "text/html"), "Set KFP_TOKEN"),
        (Fault(500, '{"error": "database gone", "code": 13}'), "500. database gone"),
        (Fault(502, "<html>bad gateway</html>", "text/html"), "502. Bad Gateway"),
    ],
)
def test_an_answer_that_is_none_is_told_apart(stub: Stub, fault: Fault, words: str) -> None:
    stub.fail("GET", "/apis/v2beta1/healthz", fault)
    with pytest.raises(ClusterError) as caught:
        connected(stub)
    assert words in str(caught.value)
    assert "<" not in str(caught.value)


def test_a_login_page_in_the_middle_is_no_empty_answer(stub: Stub) -> None:
    cluster = connected(stub)
    stub.fail("POST", "/apis/v2beta1/pipelines", Fault(200, "<html>log in</html>", "text/html"))
    with pytest.raises(NotKubeflowError):
        submission.publish(cluster, "toy", compile_exercise(toy.DEFINITION, "smoke"))


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_a_certificate_is_trusted_only_when_it_is_named(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kfp -addext subjectAltName=IP:127.0.0.1 -keyout"
    subprocess.run(["openssl", *command.split(), key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serve_stub(context) as stub:
        with pytest.raises(ClusterError, match="the connection is not trusted") as caught:
            connect(stub.url, environment=NOWHERE)
        assert "--ca FILE" in caught.value.remedy
        assert connect(stub.url, ca=str(certificate), environment=NOWHERE).host == stub.url
        assert connect(stub.url, environment={"SSL_CERT_FILE": str(certificate)}).host == stub.url
