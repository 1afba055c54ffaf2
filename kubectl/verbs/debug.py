"""`debug`: a container beside those of a pod, a copy of the pod to try things on, or a pod on a node."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.serialize import from_yaml_all
from kubectl import session
from kubectl.arguments import Command, Flag, UsageError, Words
from kubectl.attaching import Stdin, Tty
from kubectl.debugging import planning, profiles
from kubectl.debugging.planning import Wanted
from kubectl.debugging.profiles import Keep
from kubectl.failures import CommandError
from kubectl.flags import Container, Filenames, Quiet
from kubectl.resources import Mapper, Target
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_NOT_BY_CUSTOM = ("name", "command", "image", "lifecycle", "volumeDevices")
_OLD_PROFILE = (
    "--profile=legacy is deprecated and will be removed in the future. It is recommended to explicitly "
    'specify a profile, for example "--profile=general".'
)
_FEW_RIGHTS = (
    "Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug "
    'profile may not work. Please consider using "--custom" with a custom profile that specifies '
    '"securityContext.runAsUser: 0".'
)


class Looking(NamedTuple):
    """The container that looks."""

    image: Annotated[str, Flag("--image", help="The image of the debugging container.")] = ""
    container: Container = ""
    target: Annotated[str, Flag("--target", help="See the processes of this container.")] = ""
    env: Annotated[list[str] | None, Flag("--env", commas=True, help="Its environment: a=b.")] = None
    pull_policy: Annotated[str, Flag("--image-pull-policy", help="Always, IfNotPresent or Never.")] = ""
    arguments_only: Annotated[
        bool, Flag("--arguments-only", help="What follows -- are arguments, not the command.")
    ] = False
    profile: Annotated[
        str,
        Flag("--profile", help='"legacy", "general", "baseline", "netadmin", "restricted" or "sysadmin".'),
    ] = profiles.LEGACY
    custom: Annotated[str, Flag("--custom", help="File of fields to be merged into the container.")] = ""


class Copying(NamedTuple):
    """The copy that is looked into."""

    copy_to: Annotated[str, Flag("--copy-to", help="Copy the pod, under this name.")] = ""
    replace: Annotated[bool, Flag("--replace", help="With --copy-to: delete the original.")] = False
    same_node: Annotated[bool, Flag("--same-node", help="With --copy-to: stay on its node.")] = False
    share: Annotated[
        bool | None, Flag("--share-processes", help="With --copy-to: containers see each other's processes.")
    ] = None
    set_image: Annotated[
        list[str] | None, Flag("--set-image", commas=True, help="With --copy-to: container=image; * is any.")
    ] = None


class Joining(NamedTuple):
    """Whether and how to join the container."""

    stdin: Stdin = False
    tty: Tty = False
    attach: Annotated[bool | None, Flag("--attach", help="Join it; as a matter of course with -i.")] = None
    quiet: Quiet = False

    @property
    def stays(self) -> bool:
        return self.stdin if self.attach is None else self.attach


def debug(
    words: Annotated[list[str], Words("(POD | TYPE[[.VERSION].GROUP]/NAME)")],
    looking: Looking,
    copying: Copying,
    joining: Joining,
    keep: Keep,
    command: Annotated[list[str] | None, Command()] = None,
    filename: Filenames = None,
) -> None:
    """Create debugging sessions for troubleshooting workloads and nodes."""
    if looking.profile not in profiles.PROFILES:
        raise CommandError(f"unknown profile: {looking.profile}")
    wanted = Wanted(
        looking.image, command or (), looking.arguments_only, _pairs(looking.env, "--env"),
        looking.pull_policy, joining.stdin, joining.tty, looking.target,
        copying.copy_to, copying.same_node, copying.share,
        _pairs(copying.set_image, "--set-image"), looking.profile, keep, _custom(looking.custom),
    )  # fmt: skip
    _check(wanted, looking, copying, joining, named=bool(words or filename))
    if wanted.profile == profiles.LEGACY:
        print(_OLD_PROFILE, file=sys.stderr)

    async def run(client: Client, namespace: str) -> None:
        for target, inside, _ in await _targets(client, namespace, words, filename or ()):
            debugging = Debugging(client, inside or namespace, wanted, looking.container, joining)
            await debugging.run(target, replace=copying.replace)

    session.run(run)


def _pairs(words: Sequence[str] | None, flag: str) -> dict[str, str]:
    found = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals:
            what = f'invalid argument "{word}" for "{flag}" flag: {word} must be formatted as key=value'
            raise UsageError(what, "debug")
        found[name] = value
    return found


def _custom(file: str) -> Object | None:
    if not file:
        return None
    try:
        (fields,) = from_yaml_all(Path(file).read_text())
    except OSError as error:
        why = f"open {file}: {(error.strerror or '').lower()}"
        raise CommandError(f"must pass a container spec json file for custom profile: {why}") from None
    except ValueError as error:
        raise CommandError(f"{file} does not contain a valid container spec: {error}") from None
    custom: Object = fields
    return custom


def _check(wanted: Wanted, looking: Looking, copying: Copying, joining: Joining, *, named: bool) -> None:
    """In kubectl's order. Raises CommandError."""
    from kubectl.verbs.run import IMAGE

    refused = "invalid reference format"
    if joining.attach and not wanted.image and not looking.container:
        raise CommandError(
            "you must specify --container or create a new container using --image in order to attach."
        )
    _check_copy(wanted, looking, copying)
    if wanted.image and not IMAGE.fullmatch(wanted.image):
        raise CommandError(f'invalid image name "{wanted.image}": {refused}')
    if not named:
        raise CommandError("NAME or filename is required for debug")
    if wanted.pull_policy not in ("Always", "IfNotPresent", "Never", ""):
        raise CommandError(f"invalid image pull policy: {wanted.pull_policy}")
    for name, image in wanted.images.items():
        if not IMAGE.fullmatch(image):
            raise CommandError(f'invalid image name "{image}" for container "{name}": {refused}')
    if wanted.target and wanted.copy_to:
        raise CommandError("--target is incompatible with --copy-to. Use --share-processes instead.")
    if wanted.target and not joining.quiet:
        print(
            f'Targeting container "{wanted.target}". If you don\'t see processes from this container it may '
            "be because the container runtime doesn't support this feature."
        )
    if wanted.tty and not wanted.stdin:
        raise CommandError("-i/--stdin is required for containers with -t/--tty=true")
    if wanted.custom and any(wanted.custom.get(key) for key in _NOT_BY_CUSTOM):
        what = "name, command, image, lifecycle and volume devices"
        raise CommandError(f"{what} are not modifiable via custom profile")


def _check_copy(wanted: Wanted, looking: Looking, copying: Copying) -> None:
    if wanted.copy_to:
        if not (wanted.image or wanted.images or wanted.command):
            raise CommandError("you must specify --image, --set-image or command arguments.")
        if wanted.command and not looking.container and not wanted.image:
            raise CommandError("you must specify an existing container or a new image when specifying args.")
        return
    alone = {"--replace": copying.replace, "--same-node": copying.same_node, "--set-image": wanted.images}
    for flag, given in alone.items():
        if given:
            raise CommandError(f"{flag} may only be used with --copy-to.")
    if not wanted.image:
        raise CommandError("you must specify --image when not using --copy-to.")


async def _targets(
    client: Client, namespace: str, words: Sequence[str], filenames: Sequence[str]
) -> list[Selected]:
    mapper = Mapper(client)
    found = await resolve(client, namespace, Selection(filenames=filenames)) if filenames else []
    slashed = [
        (await mapper.targets([word]))[0] if "/" in word else Target(scheme.PODS, word) for word in words
    ]
    return [*found, *(Selected(target, namespace) for target in slashed)]


class Debugging:
    """One run over pods and nodes. `name` is the container's, if it is chosen."""

    def __init__(self, client: Client, namespace: str, wanted: Wanted, name: str, joining: Joining) -> None:
        self._client = client
        self._namespace = namespace
        self._wanted = wanted
        self._name = name
        self._joining = joining

    async def run(self, target: Target, *, replace: bool) -> None:
        resource = target.resource
        found = await self._client.get(
            resource, target.name, self._namespace if resource.namespaced else None
        )
        if resource.kind == "Node":
            pod, name = await self._on_node(name_of(found))
        elif resource.kind != "Pod":
            group = f"{resource.group}/{resource.version}" if resource.group else f"/{resource.version}"
            raise CommandError(f'"{group}, Kind={resource.kind}" not supported by debug')
        elif self._wanted.copy_to:
            pod, name = await self._by_copy(found, replace=replace)
        else:
            pod, name = await self._beside(found)
        if self._joining.stays and name:
            from kubectl.debugging.joining import join

            await join(self._client, pod, name, self._joining)

    async def _on_node(self, node: str) -> tuple[Object, str]:
        name = self._name or "debugger"
        pod_name = f"node-debugger-{node}-{_suffix()}"
        self._say(f"Creating debugging pod {pod_name} with container {name} on node {node}.")
        pod = planning.on_node(node, pod_name, name, self._wanted)
        return await self._client.create(scheme.PODS, pod, self._namespace), name

    async def _by_copy(self, original: Object, *, replace: bool) -> tuple[Object, str]:
        """The copy, and the name of the container that is added or changed, if any is."""
        copy, name = planning.copied(original, self._wanted), self._name
        if name in planning.names(copy) or planning.needs_container(copy, name, self._wanted):
            name = name or self._new_name(copy)
            copy = planning.with_container(copy, name, self._wanted)
            self._warn(copy, name)
        else:
            name = ""
        created = await self._client.create(scheme.PODS, copy)
        if replace:
            options = {"gracePeriodSeconds": 0}
            await self._client.delete(scheme.PODS, name_of(original), namespace_of(original), options=options)
        return created, name

    async def _beside(self, pod: Object) -> tuple[Object, str]:
        name = self._name or self._new_name(pod)
        changed = planning.with_ephemeral(pod, name, self._wanted)
        self._warn(changed, name)
        names = dict.fromkeys(each["name"] for each in changed["spec"]["ephemeralContainers"])
        order = [{"name": each} for each in names]
        added = [profiles.find(changed, name)]
        patch = {"spec": {"$setElementOrder/ephemeralContainers": order, "ephemeralContainers": added}}
        result = await self._client.patch(
            scheme.PODS, name_of(pod), patch, namespace_of(pod),
            patch_type="application/strategic-merge-patch+json", subresource="ephemeralcontainers",
        )  # fmt: skip
        return result, name

    def _new_name(self, pod: Object) -> str:
        taken = planning.names(pod)
        name = next(new for new in iter(lambda: f"debugger-{_suffix()}", "") if new not in taken)
        self._say(f"Defaulting debug container name to {name}.")
        return name

    def _say(self, text: str) -> None:
        if not self._joining.quiet:
            print(text)

    def _warn(self, pod: Object, name: str) -> None:
        if profiles.may_lack_rights(pod, profiles.find(pod, name)):
            print(_FEW_RIGHTS, file=sys.stderr)


def _suffix() -> str:
    return "".join(random.choices(_LETTERS, k=5))
