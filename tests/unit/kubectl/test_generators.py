"""Objects made of flags."""

from pathlib import Path

import pytest

from apimachinery import scheme
from apimachinery.schema import checker_for
from kubectl.failures import CommandError
from kubectl.generators import access, network, objects, workloads

PODS_LOG = (scheme.PODS, "log")
MADE = [
    objects.namespace("a"),
    objects.config_map("a", {"k": b"v", "b": b"\xff"}),
    objects.secret("a", {"k": b"v"}),
    objects.registry_secret("a", "s", "u", "p", ""),
    objects.resource_quota("a", "pods=1", "BestEffort"),
    objects.priority_class("a", 1, default=True, description="", preemption="Never"),
    objects.disruption_budget("a", "x=y", "50%", ""),
    workloads.deployment("a", ["r/nginx:1", "busybox"], replicas=2, port=80),
    workloads.job("a", "i", ["c"]),
    workloads.cron_job("a", "i", "* * * * *", "", []),
    workloads.pod(
        "a",
        workloads.PodFlags("i", "Never", "x=y", ["n=o"], ["K=V"], "1", privileged=True),
        ["x"],
        stdin=True,
        stdin_once=True,
        tty=True,
    ),
    workloads.autoscaler(
        {"kind": "Deployment", "name": "a", "apiVersion": "apps/v1"},
        "a",
        1,
        3,
        {"cpu": "50%", "memory": "1Gi"},
    ),
    network.service("a", "NodePort", ["80:http"], node_port=30000),
    network.exposing("a", {"x": "y"}, [(80, "TCP"), (81, "UDP")], labels={}),
    network.ingress("a", ["h/p*=s:80,tls=t", "/=s:web"], class_name="c", default_backend="d:1"),
    access.role("a", ["get"], [(scheme.PODS, ""), PODS_LOG, (scheme.DEPLOYMENTS, "")], ["n"]),
    access.binding("a", "Role", "r", users=["u"], groups=["g"], accounts=["ns:sa"]),
]


@pytest.mark.parametrize("obj", MADE, ids=lambda obj: obj["kind"])
def test_what_is_made_fits_the_schema(obj: dict[str, object]) -> None:
    checker = checker_for(str(obj["apiVersion"]), str(obj["kind"]))
    assert checker is not None
    assert checker.check(obj).is_clean


def test_containers_are_named_after_their_image() -> None:
    names = [workloads.container_name(image) for image in ("nginx", "r.io:5000/a/My_App:1.2", "x@sha256:abc")]
    assert names == ["nginx", "my-app", "x"]


def test_rules_of_an_ingress_are_grouped_by_host() -> None:
    rules = network.ingress("a", ["h/x=s:80", "h/y*=s:web", "/z=t:1"])["spec"]["rules"]
    assert [(rule.get("host"), [p["pathType"] for p in rule["http"]["paths"]]) for rule in rules] == [
        ("h", ["Exact", "Prefix"]),
        (None, ["Exact"]),
    ]


def test_pairs_come_from_literals_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "env").write_text("# note\nX=y\n")
    sources = [str(tmp_path / "a.txt"), f"key={tmp_path / 'a.txt'}"]
    pairs = objects.read_pairs(["l=v=w"], sources, [str(tmp_path / "env")])
    assert pairs == {"l": b"v=w", "a.txt": b"1", "key": b"1", "X": b"y"}
    assert sorted(objects.read_pairs([], [str(tmp_path)], [])) == ["a.txt", "env"]


@pytest.mark.parametrize("literals", [["novalue"], ["a=1", "a=2"], ["b ad=1"]])
def test_wrong_literals_are_refused(literals: list[str]) -> None:
    with pytest.raises(CommandError):
        objects.read_pairs(literals, [], [])


def test_a_role_has_one_rule_a_group() -> None:
    rules = access.role("a", ["get", "list", "get"], [(scheme.PODS, ""), PODS_LOG, (scheme.DEPLOYMENTS, "")])[
        "rules"
    ]
    assert rules == [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]},
        {"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"]},
    ]
