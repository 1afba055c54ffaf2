"""Without an API server: what must not be configured, and the twin of the client that there is instead."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import AlreadyExistsError, NotFoundError
from apimachinery.scheme import LEASES, NODES, PODS, SECRETS
from kubelet.configuration import merge
from kubelet.options import Options
from kubelet.standalone import NoApiServer, StandaloneError, check_standalone

OPEN = {"authentication": {"webhook": {"enabled": False}}, "authorization": {"mode": "AlwaysAllow"}}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "no client provided, cannot use webhook authentication"),
        (
            {**OPEN, "authorization": {"mode": "Webhook"}},
            "no client provided, cannot use webhook authorization",
        ),
    ],
)
def test_nobody_can_be_asked_who_it_is(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(StandaloneError, match=f"^{complaint}$"):
        check_standalone(merge(settings, Options()))


def test_flags_can_switch_the_asking_off() -> None:
    check_standalone(merge({}, Options(authentication_token_webhook=False, authorization_mode="AlwaysAllow")))


async def test_only_the_node_is_remembered() -> None:
    api = NoApiServer()
    node = {"metadata": {"name": "n1"}, "status": {"capacity": {}}}
    assert await api.create(NODES, node) == node
    assert await api.patch(NODES, "n1", {"status": {}}) == node
    assert (await api.list(PODS))["items"] == []
    for resource, name in ((LEASES, "n1"), (SECRETS, "s"), (NODES, "n2")):
        with pytest.raises(NotFoundError):
            await api.get(resource, name)
    with pytest.raises(AlreadyExistsError):
        await api.create(PODS, {"metadata": {"name": "mirror"}})
