"""What a pod may not say, in upstream's words."""

from __future__ import annotations

import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from tests.unit.apiserver.strategies.objects import container, errors_of, pod

C = "spec.containers[0]"


def from_file(**reference: str) -> Object:
    given = {"volumeName": "v", "path": "env", "key": "A", **reference}
    return {"name": "A", "valueFrom": {"fileKeyRef": given}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"name": ""}, [f"{C}.name: Required value"], id="a name"),
        pytest.param({"image": ""}, [f"{C}.image: Required value"], id="an image"),
        pytest.param(
            {"image": " app"},
            [f'{C}.image: Invalid value: " app": must not have leading or trailing whitespace'],
            id="blanks around an image",
        ),
        pytest.param(
            {"imagePullPolicy": "Sometimes"},
            [
                f'{C}.imagePullPolicy: Unsupported value: "Sometimes": '
                'supported values: "Always", "IfNotPresent", "Never"'
            ],
            id="a pull policy",
        ),
        pytest.param(
            {"ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]},
            [f'{C}.ports[1].name: Duplicate value: "a"'],
            id="port names are unique",
        ),
        pytest.param(
            {"livenessProbe": {}},
            [f"{C}.livenessProbe: Required value: must specify a handler type"],
            id="a probe needs a handler",
        ),
        pytest.param(
            {"livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}, "successThreshold": 2}},
            [
                f"{C}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
                f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
            ],
            id="one handler, one success",
        ),
        pytest.param(
            {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
            [
                f"{C}.lifecycle.preStop.sleep: Invalid value: 31: "
                "must be non-negative and less than terminationGracePeriodSeconds (30)"
            ],
            id="a sleep within the grace period",
        ),
        pytest.param(
            {"restartPolicy": "Sometimes"},
            [
                f'{C}.restartPolicy: Unsupported value: "Sometimes": '
                'supported values: "Always", "Never", "OnFailure"'
            ],
            id="a restart policy of its own",
        ),
        pytest.param(
            {"restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]},
            [f"{C}.restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
            id="rules are exceptions from a policy",
        ),
        pytest.param(
            {
                "restartPolicy": "Never",
                "restartPolicyRules": [
                    {"action": "Rest", "exitCodes": {"operator": "Equals", "values": [1]}},
                    {"action": "Restart"},
                    {"action": "Restart", "exitCodes": {"operator": "In", "values": list(range(256))}},
                ],
            },
            [
                f'{C}.restartPolicyRules[0].action: Unsupported value: "Rest": supported values: "Restart"',
                f'{C}.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Equals": '
                'supported values: "In", "NotIn"',
                f"{C}.restartPolicyRules[1].exitCodes: Required value: must be specified",
                f"{C}.restartPolicyRules[2].exitCodes.values: Too many: 256: must have at most 255 items",
            ],
            id="restart rules",
        ),
        pytest.param(
            {"lifecycle": {"stopSignal": "SIGUSR1"}},
            [f"{C}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`"],
            id="a stop signal means something only on a system",
        ),
        pytest.param(
            {"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            [f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
            id="a value or a source",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nowhere"}}}]},
            [
                f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nowhere": '
                "error converting fieldPath: field label not supported: spec.nowhere"
            ],
            id="a field that pods have",
        ),
        pytest.param(
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            [f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
            id="requests within limits",
        ),
        pytest.param(
            {"resources": {"limits": {"hugepages-2Mi": "3Mi", "cpu": "1"}}},
            [
                f'{C}.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": '
                "3Mi is not positive integer multiple of hugepages-2Mi",
                f'{C}.resources.requests[hugepages-2Mi]: Invalid value: "3Mi": '
                "3Mi is not positive integer multiple of hugepages-2Mi",
            ],
            id="whole huge pages",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "gone", "mountPath": "/a"}]},
            [f'{C}.volumeMounts[0].name: Not found: "gone"'],
            id="a volume that is there",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": -1}},
            [
                f"{C}.securityContext.runAsUser: Invalid value: -1: "
                "must be between 0 and 2147483647, inclusive"
            ],
            id="a user id",
        ),
    ],
)
def test_containers(fields: Object, expected: list[str]) -> None:
    assert errors_of(scheme.PODS, pod(containers=[container(**fields)])) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"containers": []}, ["spec.containers: Required value"], id="containers"),
        pytest.param(
            {"restartPolicy": "Maybe"},
            [
                'spec.restartPolicy: Unsupported value: "Maybe": '
                'supported values: "Always", "OnFailure", "Never"'
            ],
            id="a restart policy",
        ),
        pytest.param(
            {"initContainers": [container("c")]},
            ['spec.initContainers[0].name: Duplicate value: "c"'],
            id="names across init and regular containers",
        ),
        pytest.param(
            {"initContainers": [container("i", readinessProbe={"tcpSocket": {"port": 1}})]},
            [
                "spec.initContainers[0].readinessProbe: Forbidden: "
                "may not be set for init containers without restartPolicy=Always"
            ],
            id="probes of an init container",
        ),
        pytest.param(
            {
                "initContainers": [
                    container("i", restartPolicy="Always", readinessProbe={"tcpSocket": {"port": 1}})
                ]
            },
            [],
            id="probes of a sidecar",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/a"}}]},
            ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
            id="one source a volume",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "hostPath": {"path": "/a/../b"}}]},
            ["spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
            id="no steps back",
        ),
        pytest.param(
            {"tolerations": [{"operator": "Equal", "value": "x"}]},
            [
                'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` '
                'is empty, which means "match all values and all keys"'
            ],
            id="a toleration without a key",
        ),
        pytest.param(
            {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}},
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
                "nodeSelectorTerms: Required value: must have at least one node selector term"
            ],
            id="terms of a node affinity",
        ),
        pytest.param(
            {"dnsPolicy": "None"},
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
            id="dns by hand",
        ),
        pytest.param(
            {"nodeName": "n", "schedulingGates": [{"name": "example.com/g"}]},
            ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
            id="a gate is a gate",
        ),
        pytest.param(
            {"activeDeadlineSeconds": 0},
            ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
            id="a deadline",
        ),
        pytest.param(
            {"os": {"name": "linux"}, "containers": [container(lifecycle={"stopSignal": "SIGRTMIN+3"})]},
            [],
            id="a stop signal",
        ),
        pytest.param(
            {"os": {"name": "windows"}, "containers": [container(lifecycle={"stopSignal": "SIGHUP"})]},
            [
                f'{C}.lifecycle.stopSignal: Unsupported value: "SIGHUP": '
                'supported values: "SIGKILL", "SIGTERM"'
            ],
            id="windows has two signals",
        ),
        pytest.param(
            {"initContainers": [container("i", restartPolicy="Often")]},
            [
                'spec.initContainers[0].restartPolicy: Unsupported value: "Often": '
                'supported values: "Always", "Never", "OnFailure"'
            ],
            id="an init container's restart policy",
        ),
        pytest.param(
            {
                "containers": [container(volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "etc"}])],
                "volumes": [{"name": "v", "image": {"reference": "app:1"}}],
            },
            [],
            id="a part of an image",
        ),
        pytest.param({"hostnameOverride": "db.example.com"}, [], id="a host name with dots"),
        pytest.param(
            {"hostnameOverride": "a" * 63 + ".b", "hostNetwork": True, "setHostnameAsFQDN": True},
            [
                "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
                "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
                "spec.hostnameOverride: Too long: may not be more than 64 bytes",
            ],
            id="a host name that cannot be had",
        ),
        pytest.param(
            {"containers": [container(env=[from_file()])], "volumes": [{"name": "v", "emptyDir": {}}]},
            [],
            id="a variable from a file",
        ),
        pytest.param(
            {
                "containers": [container(env=[from_file(key="", path="../x"), from_file(volumeName="w")])],
                "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
            },
            [
                f"{C}.env[0].valueFrom.fileKeyRef.key: Required value",
                f"{C}.env[0].valueFrom.fileKeyRef.path: Invalid value: \"../x\": must not contain '..'",
                f'{C}.env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": '
                "referenced volume must be of type emptyDir",
                f'{C}.env[1].valueFrom.fileKeyRef.volumeName: Not found: "w"',
            ],
            id="files that no variable can come from",
        ),
        pytest.param(
            {"ephemeralContainers": [container("e")]},
            ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
            id="ephemeral containers come later",
        ),
    ],
)
def test_specs(spec: Object, expected: list[str]) -> None:
    assert errors_of(scheme.PODS, pod(**spec)) == expected


def test_every_error_is_told_at_once() -> None:
    wrong = pod(containers=[container(name="A", image="")], dnsPolicy="x", hostname="A")
    fields = [error.partition(":")[0] for error in errors_of(scheme.PODS, wrong)]
    assert fields == [f"{C}.name", f"{C}.image", "spec.dnsPolicy", "spec.hostname"]
