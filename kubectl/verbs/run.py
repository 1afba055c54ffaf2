"""`run`: one pod out of flags, joined to the terminal if that is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.objects import Object, key_of
from apimachinery.pods import is_terminal, phase_of
from kubectl import dry_run, session
from kubectl.arguments import Flag, UsageError, Words
from kubectl.attaching import PodRunningTimeout, Stdin, Tty
from kubectl.creating import Creation, Wording, create
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, PlainError
from kubectl.flags import Overrides, OverrideType, Quiet
from kubectl.generators import network, workloads
from kubectl.generators.workloads import PodFlags
from kubectl.patching import overridden

if TYPE_CHECKING:
    from client.rest import Client

MANAGER = "kubectl-run"
IMAGE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z0-9+.-]+:[0-9a-fA-F]{32,})?"
)


class Attaching(NamedTuple):
    """Whether and how to stay with the pod."""

    stdin: Stdin = False
    tty: Tty = False
    attach: Annotated[
        bool | None, Flag("--attach", help="Wait until it runs and join it; as a matter of course with -i.")
    ] = None
    leave_stdin_open: Annotated[bool, Flag("--leave-stdin-open", help="May be attached to again.")] = False
    remove: Annotated[bool, Flag("--rm", help="Delete the pod afterwards.")] = False
    quiet: Quiet = False
    timeout: PodRunningTimeout = 60.0

    @property
    def stays(self) -> bool:
        return self.stdin or self.tty if self.attach is None else self.attach


def run(
    name: Annotated[str, Words("NAME")],
    creation: Creation,
    flags: PodFlags,
    attaching: Attaching,
    words: Annotated[list[str] | None, Words("[-- ARGS...]")] = None,
    expose: Annotated[bool, Flag("--expose", help="Create a Service for it, too.")] = False,
    overrides: Overrides = "",
    override_type: OverrideType = "merge",
) -> None:
    """Create and run a particular image in a pod."""
    _check(flags, creation, attaching, expose)
    generated = workloads.pod(
        name,
        flags,
        words or (),
        stdin=attaching.stdin,
        stdin_once=not attaching.leave_stdin_open,
        tty=attaching.tty,
    )
    pod = overridden(generated, overrides, override_type)
    wording = Wording(manager=MANAGER)
    if expose:
        create(network.service_of_pod(pod, int(flags.port)), creation, wording)
    if attaching.stays:
        session.run(lambda client, namespace: _run_attached(client, namespace, pod, creation, attaching))
    else:
        create(pod, creation, wording)


def _check(flags: PodFlags, creation: Creation, attaching: Attaching, expose: bool) -> None:
    if not flags.image:
        raise CommandError('required flag(s) "image" not set')
    if not IMAGE.fullmatch(flags.image):
        raise CommandError(f'Invalid image name "{flags.image}": invalid reference format')
    if flags.restart not in ("Always", "OnFailure", "Never"):
        raise UsageError(f"invalid restart policy: {flags.restart}", "run", "examples")
    if attaching.tty and not attaching.stdin:
        raise UsageError("--stdin is required for containers with -t/--tty", "run", "examples")
    if expose and not flags.port:
        raise UsageError("--port must be set when exposing a service", "run", "examples")
    if attaching.remove and not attaching.stays:
        raise UsageError("--rm should only be used for attached containers", "run", "examples")
    if attaching.stays and dry_run.parse(creation.dry) is not DryRun.NONE:
        raise UsageError(
            "--dry-run=[server|client] can't be used with attached containers options "
            "(--attach, --stdin, or --tty)",
            "run",
            "examples",
        )


async def _run_attached(
    client: Client, namespace: str, pod: Object, creation: Creation, attaching: Attaching
) -> None:
    """Creates the pod and stays with it to the end; its exit code becomes ours if it does not restart."""
    created = await client.create(scheme.PODS, pod, namespace, params=creation.parameters(MANAGER))
    try:
        await _stay(client, created, attaching)
        if created["spec"]["restartPolicy"] == "Never":
            _raise_exit_code(await _until(client, created, is_terminal))
    finally:
        if attaching.remove:
            await client.delete(scheme.PODS, key_of(created).name, namespace)
            print(f'pod "{key_of(created).name}" deleted')


async def _stay(client: Client, pod: Object, attaching: Attaching) -> None:
    import asyncio

    from kubectl.attaching import Attachment, attach

    try:
        async with asyncio.timeout(attaching.timeout):
            started = await _until(client, pod, lambda seen: phase_of(seen) == "Running" or is_terminal(seen))
    except TimeoutError:
        raise CommandError("timed out waiting for the condition") from None
    if is_terminal(started):
        await _print_logs(client, started)
        return
    wanted = Attachment(stdin=attaching.stdin, tty=attaching.tty, quiet=attaching.quiet)
    await attach(client, started, wanted)


async def _until(client: Client, pod: Object, test: Callable[[Object], bool]) -> Object:
    from client.waiting import until

    key = key_of(pod)
    seen = await until(client, scheme.PODS, key.name, key.namespace, lambda obj: obj is None or test(obj))
    if seen is None:
        raise CommandError(f'pods "{key.name}" not found')
    return seen


async def _print_logs(client: Client, pod: Object) -> None:
    """What ended before it could be joined has said all it had to say."""
    from kubectl.streaming import to_stdout

    path = scheme.PODS.path(key_of(pod).namespace, key_of(pod).name, "log")
    async for piece in client.stream_bytes("GET", path):
        to_stdout(piece)


def _raise_exit_code(pod: Object) -> None:
    if phase_of(pod) == "Succeeded":
        return
    states = [each.get("state") or {} for each in pod["status"].get("containerStatuses") or ()]
    ended: Object = next((each["terminated"] for each in states if "terminated" in each), {})
    code = ended.get("exitCode")
    if not code:
        raise CommandError(f"pod {key_of(pod)} failed with unknown exit code")
    why = f"{ended.get('reason', '')})\n{ended.get('message', '')}".rstrip()
    raise PlainError(f"pod {key_of(pod)} terminated ({why}", code)
