"""`autoscale`: a HorizontalPodAutoscaler for a workload."""

from __future__ import annotations

from typing import Annotated

from apimachinery.scheme import Resource
from kubectl import recording, session
from kubectl.arguments import Flag, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Filenames, Record, Recursive
from kubectl.generators import workloads
from kubectl.selection import Selection, collecting, fetch_some


def autoscale(
    creation: Creation,
    words: Annotated[list[str], Words("(-f FILENAME | TYPE NAME | TYPE/NAME)")],
    filename: Filenames = None,
    recursive: Recursive = False,
    minimum: Annotated[int, Flag("--min", help="The fewest pods.")] = -1,
    maximum: Annotated[int | None, Flag("--max", help="The most pods.")] = None,
    cpu_percent: Annotated[int, Flag("--cpu-percent", help="The share of the requested CPU to aim at.")] = -1,
    cpu: Annotated[str, Flag("--cpu", help="The CPU to aim at: 70% or 500m.")] = "",
    memory: Annotated[str, Flag("--memory", help="The memory to aim at: 70% or 200Mi.")] = "",
    name: Annotated[str, Flag("--name", help="Of the autoscaler; by default the workload's.")] = "",
    record: Record = False,
) -> None:
    """Auto-scale a deployment, replica set, stateful set, or replication controller."""
    if maximum is None:
        raise CommandError('required flag(s) "max" not set')
    if cpu and cpu_percent >= 0:
        raise CommandError("--cpu-percent and --cpu are mutually exclusive")
    selection = Selection(words, filename or (), recursive=recursive)
    # What a file says counts, whether it is on the server or not.
    found, missing = session.run(
        lambda client, namespace: fetch_some(client, namespace, selection, local=bool(filename))
    )
    recording.warn(record)
    wanted = {"cpu": cpu or (f"{cpu_percent}%" if cpu_percent >= 0 else ""), "memory": memory}
    failures: list[Exception] = []
    for one, obj in found:
        with collecting(failures):
            _check_scale(one.target.resource)
            target = {"kind": obj["kind"], "name": one.target.name, "apiVersion": obj["apiVersion"]}
            autoscaler = workloads.autoscaler(target, name or one.target.name, minimum, maximum, wanted)
            wording = Wording(done="autoscaled", manager="kubectl-autoscale")
            create(recording.recorded(autoscaler, record), creation, wording)
    raise_all([*failures, *missing])
    if not found:
        raise CommandError("no objects passed to autoscale")


def _check_scale(resource: Resource) -> None:
    """Raises CommandError."""
    if "scale" not in resource.subresources:
        which = f"{resource.group}/{resource.version}, Resource={resource.plural}"
        raise CommandError(
            f"cannot autoscale a {resource.kind}: could not find scale subresource for {which} "
            "in discovery information"
        )
