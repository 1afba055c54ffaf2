"""What a container is configured with is not there: a ConfigMap, a Secret, or a key of one."""

from __future__ import annotations

import re
from difflib import get_close_matches

from kubectl.why import fixes
from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts, Reference
from kubectl.why.records import step_evidence

REASON = "CreateContainerConfigError"
KINDS = {"configmap": "ConfigMap", "secret": "Secret"}
NO_OBJECT = re.compile(r'(configmap|secret) "([^"]+)" not found')
_NO_KEY = re.compile(r"couldn't find key (\S+) in (ConfigMap|Secret) [^/\s]+/(\S+)")


def config(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        if container.reason != REASON:
            continue
        if found := _NO_KEY.search(container.message):
            return _no_key(facts, container, found[1], found[2], found[3])
        if found := NO_OBJECT.search(container.message):
            return _no_object(facts, container, KINDS[found[1]], found[2])
    return None


def reference_of(facts: PodFacts, kind: str, name: str) -> Reference | None:
    return next((each for each in facts.references if (each.kind, each.name) == (kind, name)), None)


def missing_object(facts: PodFacts, kind: str, name: str) -> str:
    """`ConfigMap "settings", which does not exist in namespace "shop" (but in "default")`."""
    known = reference_of(facts, kind, name)
    but = f" (but in {', '.join(known.elsewhere)})" if known and known.elsewhere else ""
    return f'{kind} "{name}", which does not exist in namespace "{facts.namespace}"{but}'


def deletion_evidence(facts: PodFacts, kind: str, name: str) -> tuple[Evidence, ...]:
    known = reference_of(facts, kind, name)
    if known is None or known.deletion is None:
        return ()
    line = known.deletion
    told = f"by {line['user']} at {line['time']}"
    return (Evidence(f"{kind.lower()}/{name}", "deleted", told, str(line["revision"])),)


def creation(kind: str, name: str, namespace: str, key: str = "KEY") -> Fix:
    verb = "create configmap" if kind == "ConfigMap" else "create secret generic"
    return Fix("create it", fixes.command(verb, namespace, name, f"--from-literal={key}=VALUE"))


def _no_object(facts: PodFacts, container: Container, kind: str, name: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.CONFIG,
        headline=f"{container.label} needs {missing_object(facts, kind, name)}",
        evidence=(
            _told(facts, container),
            *step_evidence(facts, "config", container.name),
            *deletion_evidence(facts, kind, name),
        ),
        fix=creation(kind, name, facts.namespace, _key_asked_for(container, kind, name)),
    )


def _no_key(facts: PodFacts, container: Container, key: str, kind: str, name: str) -> Diagnosis:
    known = reference_of(facts, kind, name)
    keys = sorted(known.keys) if known and known.keys else []
    has = f"has {', '.join(keys)}" if keys else "does not have it"
    evidence = [_told(facts, container)]
    if known:
        evidence.append(Evidence(f"{kind.lower()}/{name}", "data", has, known.revision))
    alike = get_close_matches(key, keys, n=1, cutoff=0.5)
    return Diagnosis(
        cause=Cause.CONFIG,
        headline=f'{container.label} needs key "{key}" of {kind} "{name}", which {has}',
        evidence=tuple(evidence),
        fix=_other_key(facts, container, kind, key, alike[0]) if alike else _new_key(facts, kind, name, key),
    )


def _other_key(facts: PodFacts, container: Container, kind: str, key: str, alike: str) -> Fix:
    reference = f"{kind[0].lower()}{kind[1:]}KeyRef"
    env = [
        {"name": each["name"], "valueFrom": {reference: {**each["valueFrom"][reference], "key": alike}}}
        for each in container.spec.get("env") or ()
        if ((each.get("valueFrom") or {}).get(reference) or {}).get("key") == key
    ]
    return fixes.patch_container(facts, container, f'take key "{alike}" instead', {"env": env})


def _new_key(facts: PodFacts, kind: str, name: str, key: str) -> Fix:
    field = "data" if kind == "ConfigMap" else "stringData"
    patch = f'{{"{field}":{{"{key}":"VALUE"}}}}'
    return Fix("add the key", fixes.command("patch", facts.namespace, f"{kind.lower()}/{name}", "-p", patch))


def _key_asked_for(container: Container, kind: str, name: str) -> str:
    reference = f"{kind[0].lower()}{kind[1:]}KeyRef"
    asked = (
        source["key"]
        for each in container.spec.get("env") or ()
        if (source := (each.get("valueFrom") or {}).get(reference)) and source.get("name") == name
    )
    return next(asked, "KEY")


def _told(facts: PodFacts, container: Container) -> Evidence:
    return seen("pod", facts.pod, f"{container.field}.state.waiting", f"{REASON}: {container.message}")
