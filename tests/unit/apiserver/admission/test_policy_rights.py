"""Who may let a policy read parameters."""

from __future__ import annotations

import pytest

from apimachinery.errors import InvalidError
from apimachinery.objects import Object
from apimachinery.scheme import VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS, Resource
from apiserver.admission.policies.params import ParamKind
from apiserver.admission.policies.rights import PolicyParamRights
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import Decision
from apiserver.request import UserInfo
from tests.unit.apiserver.admission.writes import JANE, Objects, write

POLICIES, BINDINGS = VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS
LIMIT = {"apiVersion": "example.com/v1", "kind": "Limit"}
LIMITS = "example.com/v1/limits"


class _Limits:
    is_namespaced, plural = True, "limits"

    async def get(self, namespace: str, name: str) -> Object | None:
        raise NotImplementedError

    async def list(self, namespace: str) -> list[Object]:
        raise NotImplementedError


async def find(api_version: str, kind: str) -> ParamKind | None:
    return _Limits() if (api_version, kind) == ("example.com/v1", "Limit") else None


class Rights:
    def __init__(self, held: str) -> None:
        self._held = held

    async def authorize(self, asked: Question) -> Decision:
        what = f"{asked.group}/{asked.version}/{asked.resource} {asked.namespace}/{asked.name}"
        return Decision(allowed=(asked.verb, what) == ("get", self._held))


def policy(**kind: str) -> Object:
    return {"spec": {"paramKind": kind or LIMIT}}


def binding(policy_name: str = "p", **reference: str) -> Object:
    return {"spec": {"policyName": policy_name, "paramRef": reference}}


@pytest.mark.parametrize(
    ("resource", "new", "old", "needed"),
    [
        pytest.param(POLICIES, policy(), None, f"{LIMITS} */*", id="a kind"),
        pytest.param(
            POLICIES, policy(apiVersion="v1", kind="X"), None, "/v1/* */*", id="one that is not there"
        ),
        pytest.param(POLICIES, policy(), policy(apiVersion="v1", kind="X"), f"{LIMITS} */*", id="another"),
        pytest.param(POLICIES, policy(), policy(), None, id="the same"),
        pytest.param(POLICIES, {"spec": {}}, None, None, id="none"),
        pytest.param(BINDINGS, binding(name="a"), None, f"{LIMITS} /a", id="an object"),
        pytest.param(BINDINGS, binding(namespace="n"), None, f"{LIMITS} n/", id="all in a namespace"),
        pytest.param(BINDINGS, binding("q", name="a"), None, "*/*/* /a", id="of a policy not there yet"),
        pytest.param(BINDINGS, binding(name="a"), binding(name="a"), f"{LIMITS} /a", id="the same object"),
        pytest.param(BINDINGS, {"spec": {"policyName": "p"}}, None, None, id="no object"),
    ],
)
async def test_what_must_be_readable(
    resource: Resource, new: Object, old: Object | None, needed: str | None
) -> None:
    lookup = Objects(p=policy()).lookup
    asked = write(new, resource, "CREATE" if old is None else "UPDATE", old=old)
    await PolicyParamRights(Rights(needed or ""), lookup, find).validate(asked)
    if needed is not None:
        with pytest.raises(InvalidError):
            await PolicyParamRights(Rights(""), lookup, find).validate(asked)


@pytest.mark.parametrize(
    ("resource", "obj", "message"),
    [
        (
            POLICIES,
            policy(),
            'spec.paramKind: Forbidden: user &{jane 7 [devs] map[]} must have "get" permission on all '
            "objects of the referenced paramKind (kind=Limit, apiVersion=example.com/v1)",
        ),
        (
            BINDINGS,
            binding(name="a"),
            'spec.paramRef: Forbidden: user &{jane 7 [devs] map[]} does not have "get" permission on the '
            "object referenced by paramRef",
        ),
    ],
)
async def test_a_refusal_has_upstreams_words(resource: Resource, obj: Object, message: str) -> None:
    plugin = PolicyParamRights(Rights(""), Objects(p=policy()).lookup, find)
    with pytest.raises(InvalidError) as refused:
        await plugin.validate(write(obj, resource, user=JANE))
    assert refused.value.message.endswith(message)


async def test_masters_are_not_asked() -> None:
    asked = write(policy(), POLICIES, user=UserInfo("root", groups=("system:masters",)))
    await PolicyParamRights(Rights(""), Objects().lookup, find).validate(asked)
