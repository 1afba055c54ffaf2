"""The two steps of admission: who is called, and what is told of it."""

from __future__ import annotations

import pytest

from apimachinery.errors import ForbiddenError, StatusError
from apimachinery.scheme import PODS, Resource
from apiserver.admission.attributes import Attributes, Operation, Plugin
from apiserver.admission.chain import Chain
from apiserver.admission.step import AdmissionMetrics
from tests.unit.apiserver.admission.writes import make_pod, write


class Named(Plugin):
    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self.calls = name, calls

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return True


class Changes(Named):
    async def admit(self, attributes: Attributes) -> None:
        self.calls.append(f"{self.name} admits")


class Judges(Named):
    async def validate(self, attributes: Attributes) -> None:
        self.calls.append(f"{self.name} validates")
        if attributes.name == "bad":
            raise ForbiddenError(PODS, "bad", "it is bad")


def told(kind: str, **labels: str) -> float:
    """How many calls of the test's own operation have been counted."""
    name = f"apiserver_admission_{kind}_admission_duration_seconds_count"
    wanted = {"operation": "CONNECT", **labels}
    return sum(
        sample.value
        for family in AdmissionMetrics().collect()
        for sample in family.samples
        if sample.name == name and sample.labels == wanted
    )


async def test_plugins_are_asked_for_what_they_can_do_and_timed() -> None:
    calls: list[str] = []
    chain = Chain([Changes("first", calls), Judges("second", calls)])
    attributes = write(make_pod(), operation="CONNECT")
    await chain.admit(attributes)
    await chain.validate(attributes)
    assert calls == ["first admits", "second validates"]
    assert told("controller", name="first", type="admit", rejected="false") == 1
    assert told("controller", name="second", type="validate", rejected="false") == 1
    assert told("controller", name="first", type="validate", rejected="false") == 0
    assert told("step", type="admit", rejected="false") == 1


async def test_a_refusal_is_told_of_who_refused() -> None:
    calls: list[str] = []
    chain = Chain([Judges("before", calls), Judges("after", calls)])
    before = told("step", type="validate", rejected="true")
    with pytest.raises(StatusError):
        await chain.validate(write(make_pod(), operation="CONNECT", name="bad"))
    assert calls == ["before validates"]
    assert told("controller", name="before", type="validate", rejected="true") == 1
    assert told("controller", name="after", type="validate", rejected="true") == 0
    assert told("step", type="validate", rejected="true") == before + 1
