"""FlowSchemas: who is whose, and the queues of a flow."""

from __future__ import annotations

import pytest

from apiserver.bootstrap.flow_control import mandatory, may_be_updated, suggested
from apiserver.flow_control.schemas import hand_of, in_order, parse_schema
from apiserver.request import UserInfo
from tests.unit.apiserver.audit.policies import request

SCHEMAS = in_order(
    [parse_schema(each.obj) for each in (*mandatory(), *suggested()) if each.obj["kind"] == "FlowSchema"]
)
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x"
PODS = "/api/v1/namespaces/ns/pods"


def account(namespace: str) -> UserInfo:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return UserInfo(f"system:serviceaccount:{namespace}:robot", groups=groups)


ADMIN = UserInfo("admin", groups=("system:masters", "system:authenticated"))
NODE = UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated"))
SCHEDULER = UserInfo("system:kube-scheduler", groups=("system:authenticated",))
JANE = UserInfo("jane", groups=("devs", "system:authenticated"))


@pytest.mark.parametrize(
    ("user", "target", "schema", "flow"),
    [
        (ADMIN, f"GET {PODS}", "exempt", ""),
        (JANE, "GET /readyz", "probes", ""),
        (JANE, "GET /readyz/etcd", "probes", ""),
        (SCHEDULER, f"PUT {LEASE}", "system-leader-election", "system:kube-scheduler"),
        (SCHEDULER, f"DELETE {LEASE}", "kube-scheduler", "kube-system"),
        (account("kube-system"), f"PUT {LEASE}", "system-leader-election", account("kube-system").name),
        (account("kube-system"), f"GET {PODS}", "kube-system-service-accounts", "ns"),
        (account("default"), f"GET {PODS}", "service-accounts", account("default").name),
        (NODE, "PATCH /api/v1/nodes/n1/status", "system-node-high", "system:node:n1"),
        (NODE, f"PUT {LEASE}", "system-node-high", "system:node:n1"),
        (NODE, f"GET {PODS}", "system-nodes", "system:node:n1"),
        (JANE, f"GET {PODS}", "global-default", "jane"),
        (JANE, "GET /version", "global-default", "jane"),
        (UserInfo("ghost"), f"GET {PODS}", None, ""),
    ],
)
def test_the_first_schema_that_matches_says_the_flow(
    user: UserInfo, target: str, schema: str | None, flow: str
) -> None:
    info = request(target)
    info.user = user
    found = next((each for each in SCHEMAS if each.matches(info)), None)
    assert (found.name if found else None) == schema
    assert (found.flow_of(info) if found else "") == flow


def test_a_hand_is_of_different_queues_and_the_same_each_time() -> None:
    hands = [hand_of("s", f"user-{number}", 16, 4) for number in range(500)]
    assert all(len(set(hand)) == 4 and all(0 <= card < 16 for card in hand) for hand in hands)
    assert hands[0] == hand_of("s", "user-0", 16, 4)
    assert len({frozenset(hand) for hand in hands}) > 350, "few flows share all their queues"


@pytest.mark.parametrize(
    ("metadata", "may"),
    [
        ({"generation": 1}, True),
        ({"generation": 2}, False),
        ({"generation": 2, "annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}}, True),
        ({"generation": 1, "annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}, False),
    ],
)
def test_what_somebody_changed_is_his(metadata: dict[str, object], may: bool) -> None:
    assert may_be_updated({"metadata": metadata}) is may
