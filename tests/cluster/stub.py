"""A stand-in for Kubeflow's API server on loopback.

It proves the wire contract, not the execution: every request is parsed with the published `kfp_server_api` models
(a field that they do not know is refused), every uploaded file with the protocol buffers of the pipeline
specification, parameters against the inputs of the version; answers are those models again. Runs go through the
states that a test scripts. Nothing is ever scheduled or executed.
"""

import json
import re
import ssl
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import kfp_server_api as api
from wire import RefusedError, as_json, check_cron, check_model, check_parameters, read_pipeline, uploaded_file

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Fault:
    """An answer other than the right one."""

    status: int
    body: str
    content_type: str = "application/json"


@dataclass
class Stub:
    """The running server and all it knows.

    Attributes
    ----------
    requests : list of (str, str)
        Method and path of whatever was asked, in order.
    scripts : deque of list of V2beta1Run
        For each run to come, what successive looks at it show; the last one stays.
    faults : dict of (str, str) to deque of Fault
        Answers to the next requests of a method and a path that begins so.
    """

    url: str = ""
    token: str = ""
    multi_user: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    pipelines: dict[str, api.V2beta1Pipeline] = field(default_factory=dict)
    versions: dict[str, api.V2beta1PipelineVersion] = field(default_factory=dict)
    experiments: dict[str, api.V2beta1Experiment] = field(default_factory=dict)
    runs: dict[str, api.V2beta1Run] = field(default_factory=dict)
    recurring: dict[str, api.V2beta1RecurringRun] = field(default_factory=dict)
    scripts: deque[list[api.V2beta1Run]] = field(default_factory=deque)
    logs: dict[str, str] = field(default_factory=dict)
    faults: dict[tuple[str, str], deque[Fault]] = field(default_factory=dict)
    _scripted: dict[str, deque[api.V2beta1Run]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _count: int = 0

    def fail(self, method: str, path: str, *faults: Fault) -> None:
        """Answer the next requests so."""
        self.faults.setdefault((method, path), deque()).extend(faults)

    def fire(self, recurring: api.V2beta1RecurringRun) -> api.V2beta1Run:
        """Create the run of a firing: of the newest version, as the controller of schedules asks for it."""
        reference = api.V2beta1PipelineVersionReference(recurring.pipeline_version_reference.pipeline_id)
        run = api.V2beta1Run(
            display_name="fired", pipeline_version_reference=reference, runtime_config=recurring.runtime_config
        )
        return self.create_run(run)

    def newest(self, pipeline_id: str) -> api.V2beta1PipelineVersion:
        """Return the version of a pipeline that was uploaded last."""
        return [v for v in self.versions.values() if v.pipeline_id == pipeline_id][-1]

    def find_fault(self, method: str, path: str) -> Fault | None:
        for (wanted, beginning), faults in self.faults.items():
            if wanted == method and path.startswith(beginning) and faults:
                return faults.popleft()
        return None

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, content_type: str) -> Any:
        """Find the method for a path and call it."""
        for wanted, pattern, name in ROUTES:
            if wanted == method and (match := re.fullmatch(pattern, path)):
                with self._lock:
                    return getattr(self, name)(
                        *map(unquote, match.groups()), **_arguments(name, query, body, content_type)
                    )
        raise RefusedError(404, f"no such path: {method} {path}")

    def health(self) -> Any:
        return api.V2beta1GetHealthzResponse(multi_user=self.multi_user, pipeline_store="database")

    def pipeline_by_name(self, name: str, query: dict[str, str]) -> Any:
        found = [p for p in self.pipelines.values() if p.name == name]
        if not found:
            raise RefusedError(404, f"Pipeline {name} not found")
        return found[0]

    def create_pipeline(self, body: bytes) -> Any:
        pipeline = check_model(json.loads(body), "V2beta1Pipeline")
        if any(p.name == pipeline.name for p in self.pipelines.values()):
            raise RefusedError(409, f"The name {pipeline.name} already exist. Please specify a new name.")
        pipeline.pipeline_id, pipeline.created_at = self._new()
        self.pipelines[pipeline.pipeline_id] = pipeline
        return pipeline

    def upload_version(self, query: dict[str, str], body: bytes, content_type: str) -> Any:
        if set(query) - {"name", "display_name", "pipelineid", "description", "tags"}:
            raise RefusedError(400, f"unknown options {query}")
        if query["pipelineid"] not in self.pipelines:
            raise RefusedError(404, "no such pipeline")
        specification = read_pipeline(uploaded_file(content_type, body))
        if any(v.name == query["name"] and v.pipeline_id == query["pipelineid"] for v in self.versions.values()):
            raise RefusedError(409, f"The version {query['name']} already exist.")
        identity, created = self._new()
        version = api.V2beta1PipelineVersion(
            pipeline_id=query["pipelineid"], pipeline_version_id=identity, name=query["name"],
            display_name=query["display_name"], created_at=created, pipeline_spec=specification,
        )  # fmt: skip
        self.versions[identity] = version
        return version

    def list_versions(self, pipeline_id: str, query: dict[str, str]) -> Any:
        found = [v for v in self.versions.values() if v.pipeline_id == pipeline_id]
        if query.get("sort_by") == "created_at desc":
            found = found[::-1]
        return api.V2beta1ListPipelineVersionsResponse(pipeline_versions=_filtered(found, query))

    def list_experiments(self, query: dict[str, str]) -> Any:
        self._check_namespace(query)
        return api.V2beta1ListExperimentsResponse(experiments=_filtered(self.experiments.values(), query))

    def create_experiment(self, body: bytes) -> Any:
        experiment = check_model(json.loads(body), "V2beta1Experiment")
        self._check_namespace({"namespace": experiment.namespace} if experiment.namespace else {})
        experiment.experiment_id, experiment.created_at = self._new()
        self.experiments[experiment.experiment_id] = experiment
        return experiment

    def post_run(self, body: bytes) -> Any:
        return self.create_run(check_model(json.loads(body), "V2beta1Run"))

    def create_run(self, run: api.V2beta1Run) -> api.V2beta1Run:
        reference = run.pipeline_version_reference
        version = self.versions.get(reference.pipeline_version_id or "") or self.newest(reference.pipeline_id)
        check_parameters(version.pipeline_spec, run.runtime_config.parameters or {})
        run.run_id, run.created_at = self._new()
        run.pipeline_version_id, run.state = version.pipeline_version_id, "PENDING"
        self.runs[run.run_id] = run
        self._scripted[run.run_id] = deque(self.scripts.popleft() if self.scripts else [shows("SUCCEEDED")])
        return run

    def get_run(self, run_id: str) -> Any:
        if run_id not in self.runs:
            raise RefusedError(404, f"Run {run_id} not found")
        script = self._scripted[run_id]
        look = script.popleft() if len(script) > 1 else script[0]
        run = self.runs[run_id]
        run.state, run.run_details = look.state, look.run_details
        return run

    def terminate_run(self, run_id: str) -> Any:
        self._scripted[run_id] = deque([shows("FAILED")])  # observed: a terminated run ends as failed
        return {}

    def list_recurring(self, query: dict[str, str]) -> Any:
        self._check_namespace(query)
        return api.V2beta1ListRecurringRunsResponse(
            recurring_runs=_filtered(self.recurring.values(), query), total_size=len(self.recurring)
        )

    def create_recurring(self, body: bytes) -> Any:
        run = check_model(json.loads(body), "V2beta1RecurringRun")
        check_cron(run.trigger.cron_schedule.cron)
        reference = run.pipeline_version_reference
        check_parameters(self.newest(reference.pipeline_id).pipeline_spec, run.runtime_config.parameters or {})
        if run.experiment_id not in self.experiments or not 1 <= int(run.max_concurrency) <= 10:
            raise RefusedError(400, "experiment or max_concurrency is wrong")
        run.recurring_run_id, run.created_at = self._new()
        run.status = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[run.mode]
        self.recurring[run.recurring_run_id] = run
        return run

    def enable(self, identity: str) -> Any:
        self._recurring(identity).status = "ENABLED"
        return {}

    def disable(self, identity: str) -> Any:
        self._recurring(identity).status = "DISABLED"
        return {}

    def delete_recurring(self, identity: str) -> Any:
        self._recurring(identity)
        del self.recurring[identity]
        return {}

    def read_log(self, run_id: str, node: str) -> Any:
        if node not in self.logs:
            raise RefusedError(500, f"Failed to read logs for run {run_id}")
        return self.logs[node]

    def _recurring(self, identity: str) -> api.V2beta1RecurringRun:
        if identity not in self.recurring:
            raise RefusedError(404, f"Recurring run {identity} not found")
        return self.recurring[identity]

    def _check_namespace(self, query: dict[str, str]) -> None:
        if bool(query.get("namespace")) != self.multi_user:
            raise RefusedError(400, "In single-user mode, nothing can be filtered by namespace.")

    def _new(self) -> tuple[str, datetime]:
        self._count += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, str(self._count))), BEGIN + timedelta(seconds=self._count)


ROUTES = [
    ("GET", r"/apis/v2beta1/healthz", "health"),
    ("GET", r"/apis/v2beta1/pipelines/names/([^/]+)", "pipeline_by_name"),
    ("POST", r"/apis/v2beta1/pipelines", "create_pipeline"),
    ("POST", r"/apis/v2beta1/pipelines/upload_version", "upload_version"),
    ("GET", r"/apis/v2beta1/pipelines/([^/]+)/versions", "list_versions"),
    ("GET", r"/apis/v2beta1/experiments", "list_experiments"),
    ("POST", r"/apis/v2beta1/experiments", "create_experiment"),
    ("POST", r"/apis/v2beta1/runs", "post_run"),
    ("GET", r"/apis/v2beta1/runs/([^/:]+)", "get_run"),
    ("POST", r"/apis/v2beta1/runs/([^/:]+):terminate", "terminate_run"),
    ("GET", r"/apis/v2beta1/recurringruns", "list_recurring"),
    ("POST", r"/apis/v2beta1/recurringruns", "create_recurring"),
    ("POST", r"/apis/v2beta1/recurringruns/([^/:]+):enable", "enable"),
    ("POST", r"/apis/v2beta1/recurringruns/([^/:]+):disable", "disable"),
    ("DELETE", r"/apis/v2beta1/recurringruns/([^/:]+)", "delete_recurring"),
    ("GET", r"/apis/v1alpha1/runs/([^/]+)/nodes/([^/]+)/log", "read_log"),
]
_WITH_QUERY = ("pipeline_by_name", "list_versions", "list_experiments", "list_recurring", "upload_version")
_WITH_BODY = ("create_pipeline", "create_experiment", "post_run", "create_recurring", "upload_version")


def shows(state: str, *tasks: api.V2beta1PipelineTaskDetail) -> api.V2beta1Run:
    """Return one look at a run."""
    return api.V2beta1Run(state=state, run_details=api.V2beta1RunDetails(task_details=list(tasks)))


def task(name: str, state: str, pod: str = "", message: str = "", child: str = "") -> Any:
    """Return a task as a look at a run shows it."""
    return api.V2beta1PipelineTaskDetail(
        display_name=name, task_id=f"id-{pod or name}", state=state, create_time=BEGIN, start_time=BEGIN,
        pod_name=pod or name, error=api.GoogleRpcStatus(message=message) if message else None,
        child_tasks=[api.PipelineTaskDetailChildTask(pod_name=child)] if child else None,
    )  # fmt: skip


def _arguments(name: str, query: dict[str, str], body: bytes, content_type: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {"query": query} if name in _WITH_QUERY else {}
    arguments |= {"body": body} if name in _WITH_BODY else {}
    return arguments | ({"content_type": content_type} if name == "upload_version" else {})


def _filtered(items: Any, query: dict[str, str]) -> list[Any]:
    kept = list(items)
    if query.get("filter"):
        text = query["filter"].replace('"stringValue"', '"string_value"')  # protobuf's JSON knows both
        (predicate,) = check_model(json.loads(text), "V2beta1Filter").predicates
        assert (predicate.operation, predicate.key) == ("EQUALS", "display_name")
        kept = [item for item in kept if item.display_name == predicate.string_value]
    return kept


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output clean."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.stub.requests.append((self.command, parts.path))
        self.stub.headers.append({name.lower(): value for name, value in self.headers.items()})
        if fault := self.stub.find_fault(self.command, parts.path):
            return self._send(fault.status, fault.body.encode(), fault.content_type)
        try:
            if self.stub.token and self.headers.get("authorization") != f"Bearer {self.stub.token}":
                raise RefusedError(401, "Request header error: there is no user identity header.")
            query = dict(parse_qsl(parts.query))
            answer = self.stub.answer(
                self.command, parts.path, query, body, self.headers.get("Content-Type") or ""
            )
        except RefusedError as error:
            text = json.dumps({"error": error.message, "code": 3, "message": error.message, "details": []})
            return self._send(error.status, text.encode())
        if isinstance(answer, str):
            return self._send(200, answer.encode(), "text/plain")
        return self._send(200, json.dumps(as_json(answer)).encode())

    def _send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve_stub(tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """Serve on a free loopback port for the duration of the block."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stub = Stub(url=f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}")
    handler.stub = stub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
