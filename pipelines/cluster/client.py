"""The connection to a cluster's Kubeflow Pipelines, through the interface that it publishes (`kfp_server_api`).

Not through `kfp.Client`: that one tries an address that does not answer for half a minute with tracebacks, waits
for ever for a run that was cancelled, and cannot create a schedule that takes the newest version of its pipeline.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import kfp_server_api
from kfp_server_api.exceptions import ApiException, OpenApiException
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from components.common.errors import ParameterError
from pipelines.cluster.errors import not_kubeflow, translated

HOST_VARIABLES = ("KFP_HOST", "KF_PIPELINES_ENDPOINT")
"""Ours, and the one that Kubeflow's own client reads."""

UI_VARIABLE = "KF_PIPELINES_UI_ENDPOINT"
"""Where the UI has another address than the API; the same variable as for Kubeflow's own client."""

_TIMEOUT = (3.0, 60.0)  # seconds to connect, and to answer
_FIRST_TIMEOUT = (3.0, 8.0)  # its health is known at once
_RETRIES = Retry(connect=1, read=0, redirect=3, status=0, other=0)

Answer = TypeVar("Answer")


class _Client(kfp_server_api.ApiClient):  # type: ignore[misc]
    """The generated client makes an empty object of whatever is not JSON; this one objects."""

    def deserialize(self, response: Any, response_type: str) -> Any:
        try:
            json.loads(response.data)
        except ValueError as error:
            raise not_kubeflow(self.configuration.host) from error
        return super().deserialize(response, response_type)


@dataclass(frozen=True)
class Cluster:
    """A Kubeflow that answered.

    Attributes
    ----------
    host : str
        Address of the interface.
    ui : str
        Address of the pages, for links.
    namespace : str
        Of runs, where the cluster serves several users; empty otherwise.
    client : ApiClient
        Of the generated library.
    """

    host: str
    ui: str
    namespace: str
    client: Any = field(repr=False)

    @property
    def scope(self) -> dict[str, str]:
        """The namespace as an option of requests that take one."""
        return {"namespace": self.namespace} if self.namespace else {}

    def ask(self, function: Callable[..., Answer], *arguments: Any, doing: str, **options: Any) -> Answer:
        """Call a method of the generated library; see `translated` for the errors.

        Parameters
        ----------
        function : callable
            A bound method of one of its interfaces.
        doing : str
            What this is for, as in `creating the run`.
        """
        try:
            return function(*arguments, **{"_request_timeout": _TIMEOUT, **options})
        except (ApiException, HTTPError) as error:
            raise translated(error, self.host, doing) from error
        except (OpenApiException, ValueError) as error:  # an answer that does not fit the published model
            raise not_kubeflow(self.host) from error

    def log(self, run: str, node: str) -> str:
        """Return the log of a pod, or of its copy in the archive.

        The generated library lacks this request, because it streams; the server has it under
        /apis/v1alpha1 (kubeflow/pipelines, backend/src/apiserver/main.go, ReadRunLogV1), where it takes the
        `pod_name` of a task.
        """
        answer = self.ask(
            self.client.call_api,
            "/apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log",
            "GET",
            {"run_id": run, "node_id": node},
            auth_settings=["Bearer"],
            _preload_content=False,
            _return_http_data_only=True,
            doing="reading the log",
        )
        text: str = answer.data.decode("utf-8", errors="replace")
        return text


def connect(
    host: str = "", *, namespace: str = "", ca: str = "", environment: Mapping[str, str] = os.environ
) -> Cluster:
    """Connect, and see that Kubeflow Pipelines answers.

    Parameters
    ----------
    host : str
        Address, else that of the environment.
    namespace : str
        Where the cluster serves several users.
    ca : str
        File with the certificates to trust, else that of SSL_CERT_FILE.
    environment : mapping of str to str
        Also gives KFP_TOKEN and KFP_COOKIE.

    Raises
    ------
    ParameterError
        For an address that is none, or a namespace that is missing or too much.
    ClusterError
        When nothing answers, something else answers, or the token is refused.
    """
    address = _address(host or next((environment[v] for v in HOST_VARIABLES if environment.get(v)), ""))
    configuration = kfp_server_api.Configuration(host=address)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it tells of every further attempt
    configuration.retries = _RETRIES
    configuration.ssl_ca_cert = _certificates(ca or environment.get("SSL_CERT_FILE", ""))
    if token := environment.get("KFP_TOKEN"):
        configuration.api_key["authorization"] = token
        configuration.api_key_prefix["authorization"] = "Bearer"
    client = _Client(configuration, cookie=environment.get("KFP_COOKIE") or None)
    ui = (environment.get(UI_VARIABLE) or address).rstrip("/")
    cluster = Cluster(address, ui, namespace, client)
    health = cluster.ask(
        kfp_server_api.HealthzServiceApi(client).healthz_service_get_healthz,
        doing="asking for its health",
        _request_timeout=_FIRST_TIMEOUT,
    )
    if health.multi_user is None and health.pipeline_store is None:
        raise not_kubeflow(address)
    if health.multi_user and not namespace:
        raise ParameterError(f"{address} serves several users.", "Name yours with --namespace.")
    if namespace and not health.multi_user:
        raise ParameterError(f"{address} has one namespace for all runs.", "Leave --namespace out.")
    return cluster


def filter_by_name(name: str) -> str:
    """Return the filter of a list request that keeps what is called `name`."""
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})


def _address(host: str) -> str:
    if not host:
        raise ParameterError("Which cluster?", "Give its address with --host, or set KFP_HOST.")
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ParameterError(f"{host!r} is no address.", "Write it with http:// or https:// before it.")
    return host.split("#")[0].rstrip("/")


def _certificates(ca: str) -> str | None:
    if ca and not os.path.isfile(ca):  # noqa: PTH113 (the library takes a text)
        raise ParameterError(f"There is no file {ca} with certificates.", "Correct --ca or SSL_CERT_FILE.")
    return ca or None
