"""Gathers all that a container is made with: the effects behind `containers/`, which only decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from apimachinery.objects import Object, namespace_of, uid_of
from kubelet.containers.config import container_config
from kubelet.containers.dns import domain_of, hostname_of
from kubelet.containers.env import Environment, environment_of, file_key
from kubelet.containers.env_files import value_from_file
from kubelet.containers.files import PodFiles
from kubelet.containers.hosts import host_network_hosts_file, hosts_file
from kubelet.containers.mounts import own_mounts, volume_devices, volume_mounts
from kubelet.containers.resources import resources_of
from kubelet.containers.security import security_of
from kubelet.containers.service_env import service_environment
from kubelet.referenced import NotSynced, ReferencedObjects
from kubelet.runtime.interface import (
    ContainerConfig,
    CreateContainerConfigError,
    ImageRef,
    Mount,
    Resources,
    Security,
)
from kubelet.settings import NodeFacts, PodSettings
from kubelet.volumes.mounted import MountedVolume

HOST_HOSTS = "/etc/hosts"


@dataclass(frozen=True, slots=True)
class Wish:
    """A container to be made."""

    pod: Object
    """With the addresses of its sandbox in its status."""
    container: Object
    attempt: int
    image: ImageRef
    volumes: Mapping[str, MountedVolume]
    facts: NodeFacts
    target: str = ""
    """Of an ephemeral container: the id of the container whose processes it is to see."""


class PullSecrets(NamedTuple):
    found: Sequence[Object] = ()
    missing: Sequence[str] = ()


class Preparer(Protocol):
    """The seam: with files and the objects that the pod refers to, or (hollow nodes) without."""

    async def prepare(self, wish: Wish) -> ContainerConfig:
        """Raises CreateContainerConfigError."""

    async def pull_secrets(self, pod: Object) -> PullSecrets: ...


class NodePreparer:
    def __init__(
        self,
        objects: ReferencedObjects,
        files: PodFiles,
        services: Callable[[], Iterable[Object]],
        settings: PodSettings,
    ) -> None:
        self._objects = objects
        self._files = files
        self._services = services
        self._settings = settings

    async def pull_secrets(self, pod: Object) -> PullSecrets:
        named = [each.get("name", "") for each in pod["spec"].get("imagePullSecrets") or ()]
        found = {name: await self._objects.get("secret", namespace_of(pod), name) for name in named if name}
        secrets = [each for each in found.values() if each is not None]
        return PullSecrets(secrets, [name for name, each in found.items() if each is None])

    async def prepare(self, wish: Wish) -> ContainerConfig:
        pod, container = wish.pod, wish.container
        security = security_of(
            pod,
            container,
            wish.image,
            seccomp_default=self._settings.seccomp_default,
            seccomp_root=self._settings.seccomp_root,
        )
        environment = environment_of(pod, container, await self._environment(wish))
        message_file, mounts = await asyncio.to_thread(self._mounts, wish, environment)
        return container_config(
            pod,
            container,
            attempt=wish.attempt,
            image=wish.image.id,
            environment=environment,
            mounts=mounts,
            devices=volume_devices(container, wish.volumes),
            resources=_resources(wish, self._settings),
            security=security,
            message_file=message_file,
            share_processes_of=wish.target,
        )

    async def _environment(self, wish: Wish) -> Environment:
        own = {"metadata": wish.pod["metadata"], "spec": {"containers": [wish.container]}}
        links = wish.pod["spec"].get("enableServiceLinks", True)
        try:
            return Environment(
                config_maps=await self._objects.of_kind(own, "configmap"),
                secrets=await self._objects.of_kind(own, "secret"),
                services=service_environment(self._services(), namespace_of(wish.pod), links=links),
                allocatable=wish.facts.allocatable,
                files=await _read_files(wish),
            )
        except NotSynced as error:
            raise CreateContainerConfigError(str(error)) from error

    def _mounts(self, wish: Wish, environment: Mapping[str, str]) -> tuple[str, list[Mount]]:
        """The file for the last words, and all mounts. Blocks, where a subPath is on a server for long."""
        uid, name = uid_of(wish.pod), wish.container["name"]
        mounts = volume_mounts(wish.container, wish.volumes, environment)
        hosts = self._files.write_hosts(uid, self._hosts(wish.pod))
        message_file = self._files.new_message_file(uid, name)
        added = own_mounts(wish.container, mounts, hosts_file=hosts, message_file=message_file)
        return message_file, [*mounts, *added]

    def _hosts(self, pod: Object) -> str:
        spec = pod["spec"]
        aliases = spec.get("hostAliases") or ()
        if spec.get("hostNetwork"):
            with open(HOST_HOSTS) as file:
                return host_network_hosts_file(file.read(), aliases)
        addresses = [each["ip"] for each in (pod.get("status") or {}).get("podIPs") or ()]
        return hosts_file(addresses, hostname_of(pod), domain_of(pod, self._settings.cluster_domain), aliases)


def _resources(wish: Wish, settings: PodSettings) -> Resources:
    return resources_of(
        wish.pod,
        wish.container,
        memory_capacity=wish.facts.memory_capacity,
        pids_limit=settings.pids_limit,
        enforce_cpu=settings.cpu_quota,
    )


async def _read_files(wish: Wish) -> dict[tuple[str, str, str], str | None]:
    """The variables that come from files. Raises CreateContainerConfigError."""
    found = {}
    for variable in wish.container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fileKeyRef")
        if reference is None:
            continue
        volume = wish.volumes.get(reference["volumeName"])
        if volume is None:
            message = f'cannot find the volume "{reference["volumeName"]}" referenced by FileKeyRef'
            raise CreateContainerConfigError(message)
        value = await asyncio.to_thread(value_from_file, reference, volume.path)
        found[file_key(reference)] = value
    return found


class HollowPreparer:
    """The hollow twin: the engine only plays, so a container needs neither environment nor files."""

    def __init__(self, settings: PodSettings) -> None:
        self._settings = settings

    async def pull_secrets(self, pod: Object) -> PullSecrets:
        return PullSecrets()

    async def prepare(self, wish: Wish) -> ContainerConfig:
        return container_config(
            wish.pod,
            wish.container,
            attempt=wish.attempt,
            image=wish.image.id,
            environment={},
            mounts=(),
            resources=_resources(wish, self._settings),
            security=Security(),
            share_processes_of=wish.target,
        )
