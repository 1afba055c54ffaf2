"""Admission plugins of one's own: the example of docs/admission.md in a whole apiserver."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiserver.config_files import ConfigError
from tests.integration.running_apiserver import running

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy/examples/admission/one_registry.py"
CONFIGURATION = """
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins: [{name: OneRegistry, configuration: {registry: registry.internal}}]
"""


def test_the_page_shows_the_example() -> None:
    assert EXAMPLE.read_text() in (ROOT / "docs/admission.md").read_text()


async def test_the_example_changes_and_refuses(pki: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "admission.yaml"
    configuration.write_text(CONFIGURATION)
    flags = {
        "admission_plugins_from": (str(EXAMPLE),), "admission_control_config_file": str(configuration)
    }  # fmt: skip
    async with running(pki, **flags) as api, api.client("admin") as admin:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await admin.post("/api/v1/namespaces/default/serviceaccounts", json=account)

        async def create(image: str) -> dict[str, object]:
            spec = {"containers": [{"name": "c", "image": image}]}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}, "spec": spec}
            answer: dict[str, object] = (await admin.post("/api/v1/namespaces/default/pods", json=pod)).json()
            return answer

        made, refused = await create("web"), await create("elsewhere.example.com/web")
    assert made["spec"]["containers"][0]["image"] == "registry.internal/web"  # type: ignore[index]
    assert str(refused["message"]).endswith(
        "is forbidden: images come from registry.internal/, not elsewhere.example.com/web"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "there is no function plugins"), ("import nothing_such", "nothing_such"), ("(", "never closed")],
)
async def test_a_file_that_is_none_keeps_the_server_from_starting(
    pki: Path, tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        async with running(pki, admission_plugins_from=(str(file),)):
            pass
