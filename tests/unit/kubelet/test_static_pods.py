"""Static pods: what a manifest becomes, which files are read, and how mirrors follow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from apimachinery.objects import Object, deep_copy
from apimachinery.well_known import MIRROR_POD
from kubelet.static_pods.files import ManifestFiles
from kubelet.static_pods.identity import HASH, is_mirror, is_static, mirror_of, node_uid
from kubelet.static_pods.manifest import ManifestError, Origin, static_pod
from kubelet.static_pods.mirrors import MirrorAction, mirror_action
from tests.unit.kubelet.builders import make_container
from tests.unit.kubelet.world import EPOCH, World, living

MANIFEST = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [make_container(command=["sh", "-c", "sleep 100000"])]},
}


def manifest(**spec: Any) -> Object:
    return {**MANIFEST, "spec": {**MANIFEST["spec"], **spec}}  # type: ignore[dict-item]


def parse(document: Object, source: str = "/etc/kubernetes/manifests/web.yaml", node: str = "n1") -> Object:
    return static_pod(yaml.safe_dump(document).encode(), Origin("file", source, node), EPOCH)


def test_a_manifest_becomes_a_pod_of_the_node() -> None:
    pod = parse(MANIFEST)
    uid = pod["metadata"]["uid"]
    assert len(uid) == 32
    assert pod["metadata"] == {
        "name": "web-n1",
        "namespace": "default",
        "uid": uid,
        "annotations": {
            "kubernetes.io/config.hash": uid,
            "kubernetes.io/config.seen": "2026-01-01T00:00:00Z",
            "kubernetes.io/config.source": "file",
        },
    }
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["spec"]["tolerations"] == [{"effect": "NoExecute", "operator": "Exists"}]
    assert pod["status"] == {"phase": "Pending"}
    assert is_static(pod)


def test_the_uid_tells_content_file_and_node_apart_and_nothing_else() -> None:
    uids = [
        parse(MANIFEST)["metadata"]["uid"],
        parse(manifest(hostNetwork=True))["metadata"]["uid"],
        parse(MANIFEST, source="/other.yaml")["metadata"]["uid"],
        parse(MANIFEST, node="n2")["metadata"]["uid"],
    ]
    assert len(set(uids)) == 4
    assert parse(deep_copy(MANIFEST))["metadata"]["uid"] == uids[0]


def test_what_the_api_would_have_filled_in_is_there() -> None:
    container = make_container(ports=[{"containerPort": 80}], resources={"limits": {"cpu": "1"}})
    spec = parse(manifest(containers=[container], hostNetwork=True))["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "1"}
    assert spec["containers"][0]["ports"] == [{"containerPort": 80, "hostPort": 80}]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({**MANIFEST, "kind": "List"}, "it is a List of version v1"),
        ({**MANIFEST, "metadata": {"name": "Web"}}, "metadata.name"),
        (manifest(containers=[]), "Required"),
        (manifest(containers="web"), "cannot unmarshal string"),
        (manifest(serviceAccountName="x"), "static pods may not reference serviceaccounts"),
        (manifest(volumes=[{"name": "v", "secret": {"secretName": "s"}}]), "may not reference secrets"),
        (manifest(volumes=[{"name": "v", "configMap": {"name": "c"}}]), "may not reference configmaps"),
        (
            manifest(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]),
            "may not reference persistentvolumeclaims",
        ),
        (
            manifest(
                volumes=[{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]
            ),
            "may not reference serviceaccounts",
        ),
    ],
    ids=["kind", "name", "empty", "type", "account", "secret", "config-map", "claim", "token"],
)
def test_what_no_node_can_run_by_itself_is_refused(document: Object, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        parse(document)


def test_a_mirror_knows_its_pod_and_belongs_to_the_node() -> None:
    pod = parse(MANIFEST)
    mirror = mirror_of(pod, {"metadata": {"name": "n1", "uid": "node-1"}})
    assert is_mirror(mirror)
    assert not is_static(mirror)
    assert node_uid(mirror) == pod["metadata"]["uid"]
    assert mirror["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "node-1", "controller": True}
    ]


STATIC = {"metadata": {"annotations": {HASH: "h1"}}}


def mirror(of: str, **metadata: Any) -> Object:
    return {"metadata": {"annotations": {MIRROR_POD: of}, **metadata}}


@pytest.mark.parametrize(
    ("static", "seen", "action"),
    [
        (None, None, MirrorAction.NONE),
        (STATIC, None, MirrorAction.CREATE),
        (STATIC, mirror("h1"), MirrorAction.NONE),
        (STATIC, mirror("h0"), MirrorAction.DELETE),
        (STATIC, mirror("h1", deletionTimestamp="2026-01-01T00:00:00Z"), MirrorAction.DELETE),
        (None, mirror("h1"), MirrorAction.DELETE),
    ],
    ids=["nothing", "missing", "right", "stale", "deleted-by-somebody", "orphan"],
)
def test_mirrors_follow_their_pods(static: Object | None, seen: Object | None, action: MirrorAction) -> None:
    assert mirror_action(static, seen) is action


async def test_files_are_read_when_they_change(tmp_path: Path) -> None:
    files = ManifestFiles(tmp_path, "n1", period=1000.0, now=lambda: EPOCH)
    assert files.read() == {}
    (tmp_path / ".swp").write_text(yaml.safe_dump(MANIFEST))
    (tmp_path / "broken.yaml").write_text("kind: [")
    (tmp_path / "web.yaml").write_text(yaml.safe_dump(MANIFEST))
    await asyncio.wait_for(files.changed(), 60)
    assert [key.name for key in files.read()] == ["web-n1"]
    (tmp_path / "web.yaml").unlink()
    await asyncio.wait_for(files.changed(), 60)
    assert files.read() == {}
    files.close()


async def test_one_file_is_watched_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "web.json"
    files = ManifestFiles(path, "n1", period=0.01, now=lambda: EPOCH)
    assert files.read() == {}
    path.write_text(yaml.safe_dump(MANIFEST))
    await files.changed()
    assert [key.name for key in files.read()] == ["web-n1"]
    files.close()


def names(world: World) -> list[str]:
    return [key.name for key in world.api.pods]


@pytest.mark.looptime
async def test_a_static_pod_runs_and_its_mirror_tells() -> None:
    async with living() as world:
        world.manifests.put("web", MANIFEST)
        await world.until_ready()
        assert names(world) == ["web-n1"]
        assert is_mirror(world.pod())
        assert world.pod()["metadata"]["ownerReferences"][0]["uid"] == "node-1"
        (container,) = await world.engine()
        assert container.labels["io.kubernetes.pod.uid"] == world.pod()["metadata"]["annotations"][HASH]


@pytest.mark.looptime
async def test_deleting_the_mirror_touches_nothing() -> None:
    async with living() as world:
        world.manifests.put("web", MANIFEST)
        await world.until_ready()
        (before,) = await world.engine()
        first = world.pod()["metadata"]["uid"]
        world.api.delete_pod(grace=30)
        await world.until(lambda: world.pod().get("metadata", {}).get("uid", first) != first)
        await world.until_ready()
        assert [each.id for each in await world.engine()] == [before.id]


@pytest.mark.looptime
async def test_a_changed_manifest_waits_until_the_old_pod_has_ended() -> None:
    async with living() as world:
        world.manifests.put("web", MANIFEST)
        await world.until_ready()
        first = world.pod()["metadata"]["uid"]
        world.manifests.put("web", manifest(hostNetwork=True))
        await world.until(lambda: world.pod().get("metadata", {}).get("uid", first) != first)
        await world.until_ready()
        assert world.pod()["spec"]["hostNetwork"]
        assert len(await world.engine()) == 1
        world.manifests.put("web", None)
        await world.until(lambda: not world.api.pods)
        assert await world.engine() == []


@pytest.mark.looptime
async def test_a_manifest_that_names_its_uid_changes_the_pod_as_it_runs() -> None:
    async with living() as world:
        named = {**MANIFEST, "metadata": {"name": "web", "uid": "mine"}}
        world.manifests.put("web", named)
        await world.until_ready()
        sandbox = (await world.runtime.list_pods())["mine"].sandboxes[0].id
        changed = make_container(command=["sh", "-c", "sleep 100000"], image="busybox:2")
        world.manifests.put("web", {**named, "spec": {"containers": [changed]}})
        await world.until_restarted(1)
        seen = (await world.runtime.list_pods())["mine"]
        newest = max(seen.containers, key=lambda each: each.attempt)
        assert (seen.sandboxes[0].id, newest.image) == (sandbox, "busybox:2")
        assert "Killing: Container web definition changed, will be restarted" in world.events.seen


@pytest.mark.looptime
async def test_a_restarted_kubelet_keeps_the_pod_and_its_mirror() -> None:
    async with living() as world:
        world.manifests.put("web", MANIFEST)
        await world.until_ready()
        before, (container,) = world.pod()["metadata"]["uid"], await world.engine()
        await world.restart()
        await asyncio.sleep(120)
        assert world.pod()["metadata"]["uid"] == before
        assert [each.id for each in await world.engine()] == [container.id]


@pytest.mark.looptime
async def test_a_mirror_whose_file_went_while_no_kubelet_looked_goes() -> None:
    async with living() as world:
        world.manifests.put("web", MANIFEST)
        await world.until_ready()
        await world.stop()
        world.manifests.put("web", None)
        await world.start()
        await world.until(lambda: not world.api.pods)
        await world.until(lambda: len(world.assembly.workers) == 0)
        assert await world.runtime.list_pods() == {}


@pytest.mark.looptime
async def test_what_runs_is_left_alone_until_every_source_has_answered() -> None:
    async with living() as world:
        world.manifests.put("web", MANIFEST)
        await world.until_ready()
        before, (container,) = world.pod()["metadata"]["uid"], await world.engine()
        await world.stop()
        world.manifests.put("web", None)
        world.manifests.known.clear()
        await world.start()
        await asyncio.sleep(600)
        assert world.pod()["metadata"]["uid"] == before
        assert [each.id for each in await world.engine()] == [container.id]
        world.manifests.known.set()
        await asyncio.sleep(120)
        assert world.api.pods == {}
        assert await world.engine() == []
