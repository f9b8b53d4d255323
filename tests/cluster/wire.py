"""Kubeflow's published models and protocol buffers, as a judge of what comes over the wire."""

import re
from email import message_from_bytes
from typing import Any

import kfp_server_api
import yaml
from google.protobuf import json_format
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

_NATIVE = {"str": str, "int": int, "float": float, "bool": bool, "datetime": str, "object": object}
_KINDS: dict[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


class RefusedError(Exception):
    """What a server answers with an error."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status, self.message = status, message


def check_model(data: Any, kind: str, where: str = "body") -> Any:
    """Refuse what is not of a published model: a field that it does not know, a value of another type."""
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        _expect(isinstance(data, list), where, kind)
        return [check_model(item, inner[1], f"{where}[]") for item in data]
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        _expect(isinstance(data, dict), where, kind)
        return {key: check_model(value, inner[1], f"{where}.{key}") for key, value in data.items()}
    if kind in _NATIVE:
        _expect(isinstance(data, _NATIVE[kind]) and not (kind == "int" and data is True), where, kind)
        return data
    model = getattr(kfp_server_api, kind)
    if not model.openapi_types:
        _expect(data in model.allowable_values, where, f"one of {model.allowable_values}")
        return data
    _expect(isinstance(data, dict), where, kind)
    names = {json: name for name, json in model.attribute_map.items()}
    for key in data:
        _expect(key in names, f"{where}.{key}", f"a field of {kind}")
    return model(
        **{names[k]: check_model(v, model.openapi_types[names[k]], f"{where}.{k}") for k, v in data.items()}
    )


def as_json(answer: Any) -> Any:
    """Return a model as it goes over the wire."""
    return kfp_server_api.ApiClient().sanitize_for_serialization(answer)


def uploaded_file(content_type: str, body: bytes) -> bytes:
    """Return the file of a multipart form."""
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = message.get_payload()
    if not isinstance(parts, list) or len(parts) != 1:
        raise RefusedError(400, "one file is wanted")
    if parts[0].get_param("name", header="content-disposition") != "uploadfile":
        raise RefusedError(400, "the file has to be called uploadfile")
    content = parts[0].get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def read_pipeline(content: bytes) -> dict[str, Any]:
    """Read an uploaded file into the protocol buffers, which refuse names that they do not know."""
    documents = list(yaml.safe_load_all(content))
    try:
        pipeline = json_format.ParseDict(documents[0], PipelineSpec())
        platform = json_format.ParseDict(documents[1], PlatformSpec())
        for executor in platform.platforms["kubernetes"].deployment_spec.executors.values():
            json_format.ParseDict(json_format.MessageToDict(executor), KubernetesExecutorConfig())
    except json_format.ParseError as error:
        raise RefusedError(400, f"pipeline spec is invalid: {error}") from error
    if pipeline.schema_version != "2.1.0" or not pipeline.pipeline_info.name:
        raise RefusedError(400, "pipeline spec is invalid")
    specification: dict[str, Any] = documents[0]
    return specification


def check_parameters(specification: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Refuse parameters as the server does (backend/src/apiserver/template, validatePipelineJobInputs)."""
    known = specification["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, value in parameters.items():
        if name not in known:
            raise RefusedError(400, f"parameter {name} is not an input of the pipeline")
        kinds = _KINDS[known[name]["parameterType"]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise RefusedError(400, f"input parameter {name} requires type {known[name]['parameterType']}")
    for name, definition in known.items():
        if name not in parameters and "defaultValue" not in definition and not definition.get("isOptional"):
            raise RefusedError(400, f"parameter {name} has neither default nor value")


def check_cron(text: str) -> None:
    """Refuse what would fire at another time than it says."""
    if len(text.split()) != 6 or not re.fullmatch(r"[0-9A-Za-z*?,/ -]+", text):
        raise RefusedError(400, f"Schedule cron is not supported by the controller: {text}")


def _expect(holds: bool, where: str, wanted: str) -> None:
    if not holds:
        raise RefusedError(400, f"{where} is not {wanted}")
