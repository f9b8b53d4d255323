"""What goes wrong with a cluster, said so that a person can act on it."""

import json
from typing import Any

from kfp_server_api.exceptions import ApiException
from urllib3.exceptions import HTTPError

from components.common.errors import ArmillaryError

_LONGEST_MESSAGE = 600


class ClusterError(ArmillaryError):
    """A Kubeflow that cannot be reached, refuses, or fails.

    Attributes
    ----------
    status : int
        Of the answer; 0 where there was none.
    """

    def __init__(self, problem: str, remedy: str, status: int = 0):
        super().__init__(problem, remedy)
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status in (0, 429) or self.status >= 500


class NotFoundError(ClusterError):
    """What was asked for is not there."""


class TakenError(ClusterError):
    """The name is in use."""


class NotKubeflowError(ClusterError):
    """Something answers, but it does not speak Kubeflow's interface; asking again does not help."""

    @property
    def may_pass(self) -> bool:
        """Never."""
        return False


def not_kubeflow(host: str) -> NotKubeflowError:
    """Return the error for an answer that is not JSON, such as a login page."""
    return NotKubeflowError(
        f"{host} answers, but not as Kubeflow Pipelines does: with a web page or something else, not JSON.",
        "Give the address of the API or of the UI's root; behind a login, set KFP_TOKEN or KFP_COOKIE.",
    )


def translated(error: ApiException | HTTPError, host: str, doing: str) -> ClusterError:
    """Turn an error of the client library into one with a remedy.

    Parameters
    ----------
    error : ApiException or HTTPError
        What was raised.
    host : str
        Address of the cluster.
    doing : str
        What was being attempted, as in `creating the run`.
    """
    if isinstance(error, HTTPError) or not error.status:
        return _no_answer(error, host)
    said = _message(error)
    if error.status == 401:
        return ClusterError(
            f"{host} wants to know who is asking: 401 while {doing}. {said}",
            "Set KFP_TOKEN to a token that is still valid, or KFP_COOKIE to the cookie of a login.",
            401,
        )
    if error.status == 403:
        return ClusterError(
            f"{host} does not allow {doing}: 403. {said}",
            "Ask for the role kubeflow-edit in the namespace, or choose another with --namespace.",
            403,
        )
    if error.status == 404:
        return NotFoundError(f"Not found while {doing}: {said}", "Look for it in the list.", 404)
    if error.status == 409:
        return TakenError(f"The name is taken: {said}", "Choose another name.", 409)
    if error.status < 500 and error.status != 429:
        return ClusterError(
            f"{host} refuses {doing}: {error.status}. {said}", "Correct what it names.", error.status
        )
    return ClusterError(
        f"{host} fails at {doing}: {error.status}. {said}",
        "Look into the log of the deployment ml-pipeline, and try again.",
        error.status,
    )


def _no_answer(error: ApiException | HTTPError, host: str) -> ClusterError:
    text = str(getattr(error, "reason", None) or error)
    if "certificate" in text.lower() or "SSL" in text:
        return ClusterError(
            f"{host}: the connection is not trusted. {_shortened(text)}",
            "Give the certificate of its authority with --ca FILE, or correct http and https.",
        )
    return ClusterError(
        f"{host} does not answer: {_shortened(text)}",
        "Check the address; a cluster that is reached by `kubectl port-forward` needs that running.",
    )


def _message(error: ApiException) -> str:
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return _shortened(error.reason or "") if body.lstrip().startswith("<") else _shortened(body)
    if not isinstance(answer, dict):
        return _shortened(body)
    said = answer.get("message") or answer.get("error") or answer.get("error_message") or error.reason or ""
    return _shortened(str(said))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "..."
