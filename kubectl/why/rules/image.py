"""The image can't be had: no such tag, no such registry, no permission, or it is for another machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from kubectl.why import fixes
from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import node_name, step_evidence

REASONS = frozenset(
    ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
     "RegistryUnavailable")
)  # fmt: skip
MANY = 3
_WRONG_FORMAT = "exec format error"


def image(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        if container.reason in REASONS:
            return _not_had(facts, container)
        if _WRONG_FORMAT in f"{container.message} {container.ended.get('message', '')}":
            return _wrong_machine(facts, container)
    return None


def _not_had(facts: PodFacts, container: Container) -> Diagnosis:
    wanted = str(container.spec["image"])
    near = near_misses(wanted, images_of(facts))
    has = f"; {_node(facts)} has {', '.join(near[:MANY])}" if near else ""
    return Diagnosis(
        cause=Cause.IMAGE,
        headline=f"{container.label} cannot get image {wanted}{has}",
        evidence=(
            seen("pod", facts.pod, f"{container.field}.state.waiting", _told(container)),
            *step_evidence(facts, "image", container.name),
            *_policy(facts, container),
            *_secrets(facts, container),
        ),
        fix=fixes.set_image(facts, container, near[0]) if near else _other_fix(facts, container),
    )


def _told(container: Container) -> str:
    return f"{container.reason}: {container.message}"


def _policy(facts: PodFacts, container: Container) -> Iterable[Evidence]:
    if container.reason == "ErrImageNeverPull":
        field = f"spec.containers[{container.name}].imagePullPolicy"
        yield seen("pod", facts.pod, field, container.spec.get("imagePullPolicy"))


def _secrets(facts: PodFacts, container: Container) -> Iterable[Evidence]:
    if is_refused(container.message):
        names = [each.get("name", "") for each in facts.pod["spec"].get("imagePullSecrets") or ()]
        yield seen("pod", facts.pod, "spec.imagePullSecrets", ", ".join(names) or "none")


def is_refused(message: str) -> bool:
    """Whether the registry wants to know who asks. Many say `denied` of what is not there, too."""
    return bool(re.search(r"unauthorized|authentication required|denied|no basic auth", message, re.I))


def _other_fix(facts: PodFacts, container: Container) -> Fix:
    if container.reason == "InvalidImageName":
        return Fix(f"write the image as [registry/]name[:tag], not {container.spec['image']!r}")
    if is_refused(container.message):
        return Fix(
            "give the pod a Secret with the registry's password in spec.imagePullSecrets",
            fixes.command(
                "create secret docker-registry", facts.namespace, "registry",
                "--docker-server=REGISTRY", "--docker-username=USER", "--docker-password=PASSWORD",
            ),
        )  # fmt: skip
    if container.reason == "ErrImageNeverPull":
        return fixes.patch_container(
            facts, container, "let it be pulled", {"imagePullPolicy": "IfNotPresent"}
        )
    return Fix(f"build the image on {_node(facts)} or name one that its registry has")


def _wrong_machine(facts: PodFacts, container: Container) -> Diagnosis:
    machine = ((facts.node or {}).get("status") or {}).get("nodeInfo", {}).get("architecture", "")
    return Diagnosis(
        cause=Cause.IMAGE,
        headline=f"{container.label} cannot run {container.spec['image']}: it is built for another kind of "
        f"machine{f' than {machine}' if machine else ''}, or its entry point is no program",
        confidence=Confidence.LIKELY,
        evidence=(
            seen("pod", facts.pod, container.ended_field, container.ended.get("message") or _WRONG_FORMAT),
        ),
        fix=Fix(
            f"build it for {machine or 'the node'}: docker build --platform linux/{machine or 'amd64'} ."
        ),
    )


def _node(facts: PodFacts) -> str:
    return f"node {node_name(facts)}"


def images_of(facts: PodFacts) -> list[str]:
    """Every name of the images on the pod's node."""
    images = ((facts.node or {}).get("status") or {}).get("images") or ()
    return [name for each in images for name in each.get("names") or () if "@" not in name]


def near_misses(wanted: str, present: Iterable[str]) -> list[str]:
    """Other tags of the same repository, the most alike first; else names that are nearly the same."""
    known = list(dict.fromkeys(present))
    repository, tag = split_tag(wanted)
    tags = {split_tag(each)[1]: each for each in known if split_tag(each)[0] == repository}
    if tags:
        alike = get_close_matches(tag, tags, n=len(tags), cutoff=0.0)
        return [tags[each] for each in alike]
    return get_close_matches(wanted, known, n=MANY, cutoff=0.8)


def split_tag(image: str) -> tuple[str, str]:
    """`busybox` and `1.36`; without Docker Hub's long prefix."""
    name, _, digest = image.partition("@")
    slash, colon = name.rfind("/"), name.rfind(":")
    repository, tag = (name[:colon], name[colon + 1 :]) if colon > slash else (name, "latest")
    return repository.removeprefix("docker.io/").removeprefix("library/"), digest or tag
