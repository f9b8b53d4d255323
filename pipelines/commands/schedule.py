"""`armillary schedule`: retraining on a Kubeflow cluster, by the clock."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pipelines.catalogue import find
from pipelines.terminal import open_console, print_table, say

_FIRINGS_SHOWN = 3


def create(
    slug: str,
    preset: str,
    settings: dict[str, str],
    *,
    cron: str,
    name: str,
    gpus: int,
    experiment: str,
    host: str,
    namespace: str,
    ca: str,
    in_place: bool,
) -> int:
    """Create a schedule, or put it in the place of the one of its name; return the exit code."""
    definition = find(slug).load()
    from pipelines.cluster import schedules
    from pipelines.cluster.client import connect
    from pipelines.cluster.cron import parse_cron

    console = open_console()
    times = parse_cron(cron)
    parameters = schedules.check_settings(definition, preset, settings, gpus)
    cluster = connect(host, namespace=namespace, ca=ca)
    name = name or f"{slug}-{preset}"
    # Before anything is uploaded: schedules that are there already would take it.
    (schedules.find_schedule if in_place else schedules.check_free)(cluster, name)
    published = schedules.publish_newest(cluster, definition, slug, preset)
    say(console, f"version {published.version} ({'uploaded' if published.uploaded else 'there already'})")
    make = schedules.replace if in_place else schedules.create
    schedule = make(
        cluster, published, name=name, cron=times, experiment=experiment or slug, parameters=parameters
    )
    say(console, f"schedule {schedule.name} ({schedule.identity}){'' if schedule.enabled else ', paused'}")
    for moment in islice(times.firings(datetime.now(UTC)), _FIRINGS_SHOWN):
        say(console, f"fires {moment:%a %Y-%m-%d %H:%M:%S} UTC")
    say(console, f"{cluster.ui}/#/recurringrun/details/{schedule.identity}", style="bold")
    return 0


def publish(slug: str, preset: str, *, host: str, namespace: str, ca: str) -> int:
    """Upload the code of this machine as the version that schedules take from now on."""
    definition = find(slug).load()
    from pipelines.cluster import schedules
    from pipelines.cluster.client import connect

    cluster = connect(host, namespace=namespace, ca=ca)
    published = schedules.publish_newest(cluster, definition, slug, preset)
    state = "uploaded" if published.uploaded else "is the newest already"
    say(open_console(), f"version {published.version} {state}: scheduled runs take it from their next firing on.")
    return 0


def show(*, host: str, namespace: str, ca: str, as_json: bool) -> int:
    """List the schedules."""
    from pipelines.cluster import schedules
    from pipelines.cluster.client import connect

    found = schedules.list_schedules(connect(host, namespace=namespace, ca=ca))
    if as_json:
        print(json.dumps([asdict(schedule) for schedule in found]))
        return 0
    console = open_console()
    if not found:
        say(console, "There are no schedules. `armillary schedule <exercise> --cron ...` makes one.")
        return 0
    rows = [
        [s.name, s.cron or "-", "yes" if s.enabled else "paused", _next(s), _told(s.parameters), s.identity]
        for s in found
    ]
    print_table(console, ["schedule", "cron (UTC)", "fires", "next", "parameters", "id"], rows, stacked=True)
    return 0


def change(name: str, action: str, *, host: str, namespace: str, ca: str) -> int:
    """Pause, resume or delete a schedule."""
    from pipelines.cluster import schedules
    from pipelines.cluster.client import connect

    actions = {
        "pause": (schedules.pause, "fires no more until it is resumed"),
        "resume": (schedules.resume, "fires again; what it missed is not caught up"),
        "delete": (schedules.delete, "is gone; its runs stay"),
    }
    cluster = connect(host, namespace=namespace, ca=ca)
    schedule = schedules.find_schedule(cluster, name)
    function, told = actions[action]
    function(cluster, schedule)
    say(open_console(), f"{schedule.name} {told}.")
    return 0


def _next(schedule: Any) -> str:
    from components.common.errors import ParameterError
    from pipelines.cluster.cron import parse_cron

    if not schedule.enabled or not schedule.cron:
        return "-"
    try:
        (moment,) = islice(parse_cron(schedule.cron).firings(datetime.now(UTC)), 1)
    except ParameterError:  # made elsewhere, with an expression that we would not have sent
        return "?"
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _told(parameters: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items()) or "-"
