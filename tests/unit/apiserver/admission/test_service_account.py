"""Pods get an account, its token and its pull secrets."""

from __future__ import annotations

import random

import pytest

from apimachinery.objects import Object
from apiserver.admission.service_account import MOUNT_PATH, ServiceAccount
from tests.unit.apiserver.admission.writes import admit, make_pod, refusal, write


def service_account(account: Object | None) -> ServiceAccount:
    async def find(namespace: str, name: str) -> Object | None:
        return account

    return ServiceAccount(find, random.Random(0))


async def test_a_pod_gets_the_default_account_and_its_token() -> None:
    pod = await admit(service_account({}), write(make_pod(initContainers=[{"name": "i"}])))
    (volume,) = pod["spec"]["volumes"]
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    mounts = [each["volumeMounts"] for key in ("containers", "initContainers") for each in pod["spec"][key]]
    assert (pod["spec"]["serviceAccountName"], mounts) == ("default", [[mount], [mount]])
    assert volume["name"].startswith("kube-api-access-")


NO_TOKEN = {
    "the pod does not want it": ({}, {"automountServiceAccountToken": False}),
    "the account does not want it": ({"automountServiceAccountToken": False}, {}),
    "something is mounted there": (
        {},
        {"containers": [{"name": "c", "volumeMounts": [{"name": "x", "mountPath": MOUNT_PATH}]}]},
    ),
}


@pytest.mark.parametrize("row", NO_TOKEN.values(), ids=NO_TOKEN.keys())
async def test_no_token_is_mounted_when(row: tuple[Object, Object]) -> None:
    account, spec = row
    pod = await admit(service_account(account), write(make_pod(**spec)))
    assert "volumes" not in pod["spec"]


async def test_the_pod_overrules_its_account() -> None:
    account = {"automountServiceAccountToken": False}
    pod = await admit(service_account(account), write(make_pod(automountServiceAccountToken=True)))
    assert len(pod["spec"]["volumes"]) == 1


async def test_pull_secrets_come_from_the_account() -> None:
    pod = await admit(service_account({"imagePullSecrets": [{"name": "reg"}]}), write(make_pod()))
    assert pod["spec"]["imagePullSecrets"] == [{"name": "reg"}]


async def test_a_missing_account_is_told() -> None:
    error = await refusal(service_account(None), write(make_pod(serviceAccountName="robot")))
    assert error.message == (
        'pods "web" is forbidden: error looking up service account shop/robot: '
        'serviceaccount "robot" not found'
    )
