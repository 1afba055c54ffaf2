"""Custom resources on a control plane of two apiservers: kubectl, garbage, namespaces, an operator."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, owner_reference
from apimachinery.scheme import ALL_VERBS, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, Resource
from client.rest import Client
from tests.integration.plane import API, CONTROLLERS, LIMIT, Plane, config_map, eventually

TABS = Resource("example.com", "v1", "tabs", "Tab", namespaced=True, verbs=ALL_VERBS)
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tabs.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: tabs, singular: tab, kind: Tab, shortNames: [tb], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Schedule, type: string, jsonPath: .spec.schedule}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    schema:
      openAPIV3Schema:
        type: object
        description: A tab.
        properties:
          spec:
            type: object
            required: [schedule]
            x-kubernetes-validations:
            - {rule: self.replicas < 9 || self.schedule != 'often', message: not so often}
            properties:
              schedule: {type: string, description: When it is.}
              replicas: {type: integer, default: 1, minimum: 0}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


def tab(name: str, namespace: str = "default", **metadata: Any) -> Object:
    metadata |= {"name": name, "namespace": namespace}
    return {"apiVersion": "example.com/v1", "kind": "Tab", "metadata": metadata, "spec": {"schedule": "x"}}


@pytest.fixture(scope="module")
def plane(stopped_plane: Plane) -> Plane:
    asyncio.run(stopped_plane.start())
    stopped_plane.run(CONTROLLERS)
    stopped_plane.run_second_apiserver()
    return stopped_plane


@pytest.fixture
async def defined(plane: Plane, client: Client) -> AsyncIterator[Client]:
    """The administrator's client; there are tabs."""
    await eventually(lambda: client.create(CUSTOM_RESOURCE_DEFINITIONS, yaml.safe_load(DEFINITION)))
    await eventually(lambda: client.list(TABS))
    yield client
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "tabs.example.com")
    await eventually(lambda: is_gone(client, CUSTOM_RESOURCE_DEFINITIONS, "tabs.example.com"))


async def is_gone(client: Client, resource: Resource, name: str, namespace: str | None = None) -> bool:
    try:
        await client.get(resource, name, namespace)
    except NotFoundError:
        return True
    return False


async def test_what_one_apiserver_is_told_the_other_serves(plane: Plane, defined: Client) -> None:
    other = plane.second_client()
    await eventually(lambda: other.list(CONFIG_MAPS))
    await defined.create(TABS, tab("a"))
    assert (await other.get(TABS, "a", "default"))["spec"] == {"schedule": "x", "replicas": 1}
    await other.aclose()


async def test_a_restarted_apiserver_serves_what_it_served(plane: Plane, defined: Client) -> None:
    await defined.create(TABS, tab("a"))
    plane.restart(API)
    found = await eventually(lambda: defined.get(TABS, "a", "default"))
    assert found["spec"]["replicas"] == 1


async def test_dependents_of_a_custom_resource_go_with_it(defined: Client) -> None:
    owner = await defined.create(TABS, tab("owner"))
    reference = owner_reference({**owner, "apiVersion": "example.com/v1", "kind": "Tab"})
    await defined.create(TABS, tab("child", ownerReferences=[reference]))
    await defined.create(CONFIG_MAPS, config_map("owned", ownerReferences=[reference]))
    await defined.delete(TABS, "owner", "default", options={"propagationPolicy": "Foreground"})
    await eventually(lambda: is_gone(defined, TABS, "owner", "default"))
    # The collector may see a dependent later than its owner, which then does not wait for it.
    await eventually(lambda: is_gone(defined, TABS, "child", "default"))
    await eventually(lambda: is_gone(defined, CONFIG_MAPS, "owned", "default"))


async def test_a_namespace_goes_with_its_custom_resources(defined: Client) -> None:
    await defined.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gone"}})
    await defined.create(TABS, tab("a", "gone"))
    await defined.delete(NAMESPACES, "gone")
    await eventually(lambda: is_gone(defined, NAMESPACES, "gone"))
    assert (await defined.list(TABS))["items"] == []


def test_what_people_do_with_kubectl(plane: Plane, tmp_path: Path) -> None:
    (tmp_path / "crd.yaml").write_text(DEFINITION)
    (tmp_path / "tab.yaml").write_text(json.dumps(tab("mine")))
    (tmp_path / "other.yaml").write_text(json.dumps(tab("mine") | {"spec": {"schedule": "y"}}))

    def kubectl(*words: str) -> str:
        command = ["kubectl", f"--kubeconfig={plane.config.admin_kubeconfig}", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT)
        return done.stdout + done.stderr

    assert "created" in kubectl("apply", "-f", "crd.yaml")
    assert "condition met" in kubectl("wait", "--for=condition=established", "crd/tabs.example.com")
    assert kubectl("apply", "-f", "tab.yaml") == "tab.example.com/mine created\n"
    assert kubectl("apply", "--server-side", "-f", "tab.yaml", "--field-manager=me").endswith("applied\n")
    assert kubectl("scale", "tb/mine", "--replicas=9") == "tab.example.com/mine scaled\n"
    assert kubectl("get", "tb", "--no-headers").split()[:3] == ["mine", "x", "9"]
    assert "tab.example.com/mine" in kubectl("get", "all", "-o", "name")
    refused = kubectl("patch", "tb", "mine", "--type=merge", "-p", '{"spec": {"schedule": "often"}}')
    assert 'spec: Invalid value: "object": not so often' in refused
    assert "When it is." in kubectl("explain", "tabs.spec.schedule")
    assert "-  schedule: x" in kubectl("diff", "-f", "other.yaml")
    assert kubectl("delete", "crd", "tabs.example.com").endswith("deleted\n")
    assert "NotFound" in kubectl("get", "tabs.v1.example.com") or "doesn't have" in kubectl("get", "tabs")
