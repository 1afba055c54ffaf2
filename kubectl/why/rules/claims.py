"""A claim without a volume: no such claim or class, nobody who provides one, nothing that fits."""

from __future__ import annotations

from difflib import get_close_matches

from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.volumes import DEFAULT_CLASS, NO_PROVISIONER
from kubectl.describe.events import last_seen
from kubectl.evidence.asker import ABSENT
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import ClaimFacts

_TROUBLE = ("ProvisioningFailed", "FailedBinding", "ClaimLost", "VolumeMismatch")


def claim(facts: ClaimFacts, namespace: str) -> Diagnosis | None:
    if facts.claim is None:
        return None
    if facts.claim == ABSENT:
        return _no_claim(facts, namespace)
    phase = get_path(facts.claim, "status.phase")
    if phase == "Bound":
        return None
    if phase == "Lost":
        return _lost(facts)
    return _no_class(facts) or _unprovided(facts)


def _no_claim(facts: ClaimFacts, namespace: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.VOLUME,
        headline=f'PersistentVolumeClaim "{facts.name}" does not exist in namespace "{namespace}"',
        evidence=(Evidence(f"persistentvolumeclaim/{facts.name}", "metadata.name", "not found"),),
        fix=Fix("create the claim", f"kubectl apply -n {namespace} -f CLAIM.yaml"),
    )


def _lost(facts: ClaimFacts) -> Diagnosis:
    assert facts.claim is not None
    volume = get_path(facts.claim, "spec.volumeName")
    return Diagnosis(
        cause=Cause.VOLUME,
        headline=f'claim "{facts.name}" has lost its volume "{volume}", which no longer exists',
        evidence=(seen("persistentvolumeclaim", facts.claim, "status.phase", "Lost"),),
        fix=Fix("its data is gone with the volume: delete the claim and make it anew"),
    )


def _no_class(facts: ClaimFacts) -> Diagnosis | None:
    """The class that it asks for is not there, or it asks for the default one and there is none."""
    if facts.classes is None or not facts.claim:
        return None
    wanted = get_path(facts.claim, "spec.storageClassName")
    names = [name_of(each) for each in facts.classes]
    if wanted == "" or wanted in names or _fitting(facts):
        return None
    if wanted is None and any(annotations_of(each).get(DEFAULT_CLASS[0]) == "true" for each in facts.classes):
        return None
    return Diagnosis(
        cause=Cause.VOLUME,
        headline=f'claim "{facts.name}" wants storage class "{wanted}"; there is {_only(names)}'
        if wanted
        else f'claim "{facts.name}" names no storage class, and none is the default',
        evidence=(
            seen("persistentvolumeclaim", facts.claim, "spec.storageClassName", wanted or "not set"),
            Evidence("storageclasses", "metadata.name", ", ".join(names) or "none"),
        ),
        fix=_another_class(facts, wanted or "", names),
    )


def _only(names: list[str]) -> str:
    return f"only {', '.join(names)}" if names else "none"


def _another_class(facts: ClaimFacts, wanted: str, names: list[str]) -> Fix:
    if not names:
        return Fix("create a StorageClass, or a PersistentVolume that fits")
    alike = (get_close_matches(wanted, names, n=1, cutoff=0.0) or names)[0]
    assert facts.claim is not None
    namespace = facts.claim["metadata"].get("namespace", "")
    read = fixes.command("get", namespace, f"persistentvolumeclaim/{facts.name}", "-o", "json")
    patch = f'{{"spec":{{"storageClassName":"{alike}"}}}}'
    return Fix(
        f'ask for class "{alike}"',
        f"{read} | kubectl patch --local -f - -p '{patch}' -o json | kubectl replace --force -f -",
    )


def _unprovided(facts: ClaimFacts) -> Diagnosis | None:
    assert facts.claim is not None
    event = max(
        (each for each in facts.events if each.get("reason") in _TROUBLE), key=last_seen, default=None
    )
    cls = next((each for each in facts.classes or () if name_of(each) == _class_of(facts)), None)
    if event is not None:
        headline = f'claim "{facts.name}" gets no volume: {event.get("message", "").strip()}'
        evidence = Evidence(
            f"persistentvolumeclaim/{facts.name}", f"event {event['reason']}", event["message"]
        )
        return Diagnosis(
            cause=Cause.VOLUME,
            headline=headline,
            evidence=(evidence,),
            fix=Fix("make a PersistentVolume that fits, or mend the provisioner"),
        )
    if cls is not None and cls.get("volumeBindingMode") == "WaitForFirstConsumer":
        return None
    provisioner = cls.get("provisioner") if cls else NO_PROVISIONER
    nobody = provisioner in (None, NO_PROVISIONER)
    return Diagnosis(
        cause=Cause.VOLUME,
        headline=f'claim "{facts.name}" waits for '
        + ("a PersistentVolume that fits" if nobody else f"provisioner {provisioner} to make a volume"),
        confidence=Confidence.CERTAIN if nobody else Confidence.LIKELY,
        evidence=(seen("persistentvolumeclaim", facts.claim, "status.phase", "Pending"),),
        fix=Fix("make a PersistentVolume that fits" if nobody else f"see whether {provisioner} runs"),
    )


def _class_of(facts: ClaimFacts) -> str:
    wanted = get_path(facts.claim, "spec.storageClassName")
    if wanted is not None:
        return str(wanted)
    default = (each for each in facts.classes or () if annotations_of(each).get(DEFAULT_CLASS[0]) == "true")
    return next(map(name_of, default), "")


def _fitting(facts: ClaimFacts) -> list[Object]:
    """Volumes of that class that nobody has: then the class itself need not exist."""
    wanted = get_path(facts.claim, "spec.storageClassName") or ""
    return [
        each
        for each in facts.volumes
        if (get_path(each, "spec.storageClassName") or "") == wanted
        and get_path(each, "status.phase") == "Available"
    ]
