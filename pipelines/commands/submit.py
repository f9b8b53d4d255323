"""`armillary submit`, `follow` and `terminate`: runs on a Kubeflow cluster."""

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from components.common.errors import ParameterError
from pipelines.catalogue import find
from pipelines.terminal import open_console, say

INTERRUPTED = 130
_TERMINATED = "No stage says why it ended so: most often somebody terminated it."


def submit(
    slug: str,
    preset: str,
    settings: dict[str, str],
    *,
    host: str,
    namespace: str,
    ca: str,
    gpus: int,
    experiment: str,
    name: str,
    wait: bool,
    timeout: float,
    interval: float,
    as_json: bool,
) -> int:
    """Start a run of an exercise on a cluster, follow it if asked to, and return the exit code."""
    if timeout and not wait:
        raise ParameterError("Without waiting there is nothing to time out.", "Add --wait.")
    definition = find(slug).load()
    from pipelines.cluster import submission
    from pipelines.cluster.client import connect
    from pipelines.compilation import compile_exercise

    console = open_console(stderr=as_json)
    parameters = submission.parameters_for_cluster(definition, preset, settings, gpus)
    compiled = compile_exercise(definition, preset)
    cluster = connect(host, namespace=namespace, ca=ca)
    published = submission.publish(cluster, slug, compiled, definition.pipeline.description or "")
    state = "uploaded" if published.uploaded else "there already"
    say(console, f"version {published.version} ({state})")
    run_name = name or f"{slug}-{preset}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    run_id = submission.start_run(
        cluster, published, experiment=experiment or slug, name=run_name, parameters=parameters
    )
    url = submission.run_link(cluster, run_id)
    say(console, f"run {run_id}")
    say(console, url, style="bold")
    result: dict[str, Any] = {
        "run": run_id,
        "name": run_name,
        "exercise": slug,
        "preset": preset,
        "version": published.version,
        "url": url,
    }
    if not wait:
        _print_json(as_json, result)
        return 0
    return _follow(cluster, slug, run_id, console, timeout, interval, result, as_json)


def follow(
    slug: str, run_id: str, *, host: str, namespace: str, ca: str, timeout: float, interval: float, as_json: bool
) -> int:
    """Wait for a run that was started before, as `submit --wait` does; return the exit code."""
    find(slug)
    from pipelines.cluster.client import connect
    from pipelines.cluster.submission import run_link

    console = open_console(stderr=as_json)
    cluster = connect(host, namespace=namespace, ca=ca)
    result: dict[str, Any] = {"run": run_id, "exercise": slug, "url": run_link(cluster, run_id)}
    return _follow(cluster, slug, run_id, console, timeout, interval, result, as_json)


def terminate(run_id: str, *, host: str, namespace: str, ca: str) -> int:
    """Stop a run."""
    from pipelines.cluster.client import connect
    from pipelines.cluster.following import terminate as stop

    stop(connect(host, namespace=namespace, ca=ca), run_id)
    say(open_console(), f"The cluster ends {run_id}. What its stages have stored remains.")
    return 0


def _follow(
    cluster: Any,
    slug: str,
    run_id: str,
    console: Console,
    timeout: float,
    interval: float,
    result: dict[str, Any],
    as_json: bool,
) -> int:
    from pipelines.cluster import following
    from pipelines.cluster.failures import explain

    def tell(line: str) -> None:
        say(console, line)

    try:
        run = following.follow(cluster, run_id, tell, timeout=timeout, interval=interval)
    except KeyboardInterrupt:
        say(console, f"The run goes on. `armillary follow {slug} {run_id}` waits for it again,")
        say(console, f"`armillary terminate {run_id}` stops it.")
        return INTERRUPTED
    succeeded = run.state == following.SUCCEEDED
    failures = [] if succeeded else explain(cluster, run, slug, tell)
    say(console, f"The run is over: {run.state.lower()}.", style="bold" if succeeded else "bold red")
    for failure in failures:
        say(console, f"The stage {failure.stage} failed. {failure.error}", style="bold red")
        say(console, failure.log)
    if run.state == "FAILED" and not failures:
        say(console, _TERMINATED)
    result["state"] = run.state
    if failures:
        result["failures"] = [{"stage": failure.stage, "error": failure.error} for failure in failures]
    _print_json(as_json, result)
    return 0 if succeeded else 1


def _print_json(wanted: bool, result: dict[str, Any]) -> None:
    if wanted:
        print(json.dumps(result))
