"""What upstream's own suite (test/cmd) asks of kubectl: ours answers as kubectl 1.33 does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.side_by_side import Script, difference, plane_for_scripts
from tests.integration.plane import Plane

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: busybox, resources: {requests: {cpu: null, memory: 64Mi}}}
"""
OTHER_SELECTOR = DEPLOYMENT.replace("app: web}", "app: other}")
CONFLICT = OTHER_SELECTOR.replace("{name: web, ", '{resourceVersion: "1", name: web, ')
MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: old, resourceVersion: "7", labels: {a: b}}
data: {k: v}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: c, image: busybox}]}
"""
STATUS = """
apiVersion: v1
kind: Pod
metadata: {name: p}
status:
  conditions: [{type: example.io/Foo, status: "True"}]
"""
STREAM = "\n".join(
    f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{name}"}}}}' for name in ("s1", "s2")
)
MANIFESTS = Script(
    "manifests",
    (
        "create -f map.yaml",
        "create -f stream.json",
        "create -f map.yaml --save-config --dry-run=client -o name",
        "replace -f map.yaml --force",
        "apply -f deployment.yaml",
        "get deployment web -o jsonpath={.spec.template.spec.containers[0].resources}",
        "apply -f conflict.yaml --force --grace-period=1 --cascade=foreground --timeout=30s",
        "get deployment web -o jsonpath={.spec.selector}",
        "apply -f conflict.yaml --overwrite=true --openapi-patch=true",
        "apply -f pod.yaml --subresource=status",
        "apply -f pod.yaml --server-side",
        "apply -f status.yaml --server-side --subresource=status --field-manager=m",
        "get pod p -o jsonpath='{.status.conditions[?(@.type==\"example.io/Foo\")].status}'",
        "delete pods --all -l a=b",
        "delete pods --all --field-selector metadata.name=p",
        "delete pods p --force --grace-period=2",
        "apply -k app",
        "get configmap n-m -o name",
    ),
    {
        "map.yaml": MAP,
        "stream.json": STREAM,
        "deployment.yaml": DEPLOYMENT,
        "conflict.yaml": CONFLICT,
        "pod.yaml": POD,
        "status.yaml": STATUS,
        "app/kustomization.yaml": "NamePrefix: n-\nresources: [m.yaml]\n",
        "app/m.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n",
    },
)
SHORT = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.{group}.{{ns}}.io}}
spec:
  group: {group}.{{ns}}.io
  scope: Namespaced
  names: {{plural: {plural}, kind: {kind}, shortNames: [shrt]}}
  versions:
  - {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}
"""
PLUGIN = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: "true"}}}]
"""
ACCOUNT = "\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n"
ASKING = Script(
    "asking",
    (
        "get pods --ignore-not-found",
        "get hpa.autoscal",
        "get hpa.nope",
        "create configmap one",
        "create configmap two",
        "get configmaps one two -o go-template={{range.items}}{{.metadata.name}}:{{end}}",
        "get configmaps -l a=b --watch --request-timeout=1s",
        "get configmap one -o name --watch --request-timeout=1",
        "get configmaps one two -o go-template={{range.items}}{{if.data}}{{end}}{{.metadata.name}}:{{end}}",
        "create role r --verb=get --resource=deployments.nope",
        "create role r --verb=get --resource=nope.nope/scale",
        "create role r --verb=get --resource=nope",
        "exec -f two.yaml -- date",
        "get pods,services --watch --request-timeout=1",
        "get -f mixed.yaml --watch --request-timeout=1",
        "get pods --kubeconfig=plugin.yaml",
        "events --watch --request-timeout=1",
        "describe configmaps one --chunk-size=1",
        "describe configmaps -l a=b --chunk-size=1",
        "apply -f short.yaml",
        "wait --for=condition=Established crd/alphas.a.{ns}.io crd/betas.b.{ns}.io",
        "get shrt",
        "delete -f short.yaml",
    ),
    {
        "two.yaml": f"{POD}---{POD}",
        "mixed.yaml": f"{MAP.replace('old', 'one')}---{ACCOUNT}",
        "plugin.yaml": PLUGIN,
        "short.yaml": "---".join(
            SHORT.format(plural=f"{kind.lower()}s", kind=kind, group=kind[0].lower())
            for kind in ("Alpha", "Beta")
        ),
    },
)


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {ports: [{port: 1}], selector: {x: z}}
"""
BROKEN = 'apiVersion: v1\nmetadata: {name: broken, labels: {a: "1"}}\n'
SEVERAL = Script(
    "several",
    (
        "create -f many",
        "create -f many",
        "label -f many a=b",
        "annotate -f many a=b",
        "label configmaps c1 nobody c2 c=d",
        'patch configmap c1 nobody c2 -p {"data":{"k":"v"}}',
        'patch -f many -p \'{"data":{"k":"v"}}\'',
        "set env -f many A=b",
        "replace -f many",
        "apply -f many",
        "apply -f broken.yaml",
        "label -f broken.yaml a=b",
        "scale -f many --replicas=2",
        "delete -f many",
        "delete configmaps c1 c2",
        "config set-context other --namespace=a --cluster=c --user=u --kubeconfig=k.yaml",
        "config set-context other --namespace= --user= --kubeconfig=k.yaml",
        "config view --kubeconfig=k.yaml",
        "get pods --kubeconfig=odd.yaml",
        "create secret docker-registry s --from-file=.dockerconfigjson=docker.json",
        "get secret s -o jsonpath={.type}{.data}",
        "create secret docker-registry s",
        "create service clusterip s --tcp=1",
        "set selector service s a=b",
        "set selector -f service.yaml c=d",
        "set selector -f service.yaml c=d --local -o jsonpath={.spec.selector}",
    ),
    {
        "many/a.yaml": MAP.replace('name: old, resourceVersion: "7"', "name: c1"),
        "many/b.yaml": BROKEN,
        "many/c.yaml": MAP.replace('name: old, resourceVersion: "7"', "name: c2"),
        "broken.yaml": BROKEN,
        "odd.yaml": "apiVersion: v-1\nkind: Config\n",
        "docker.json": '{"auths": {}}',
        "service.yaml": SERVICE,
    },
)


CAUSE = "-ojsonpath={.metadata.annotations.kubernetes\\.io/change-cause}"
RECORDED = Script(
    "recorded",
    (
        "create --filename deployment.yaml --record --save-config",
        f"get deployment web '{CAUSE}'",
        "apply -f deployment.yaml --record=true",
        f"get deployment web '{CAUSE}'",
        "set image deployment/web c=busybox:2 --record",
        f"get deployment web '{CAUSE}'",
        "scale deployment web --replicas 2 --record",
        f"get deployment web '{CAUSE}'",
        'patch deployment web -p \'{"spec":{"minReadySeconds":1}}\' --record',
        f"get deployment web '{CAUSE}'",
        "annotate deployment web --record x=y",
        f"get deployment web '{CAUSE}'",
        "expose -f deployment.yaml --port=80 --record",
        f"get service web '{CAUSE}'",
        "expose -f pod.yaml --port=80",
        "expose -f long.yaml --port=80 --selector=a=b",
        "expose -f unselected.yaml --port=80",
        "autoscale -f deployment.yaml --max=3 --cpu-percent=70 --record",
        f"get hpa web '{CAUSE}'",
        "delete deployment web",
        "expose -f deployment.yaml --port=80 --name=again",
        "wait --for=create configmap -l a=b --timeout=1s",
        "wait --for=create pods,configmap -l a=b --timeout=1s",
        "create configmap there",
        "label configmap there a=b",
        "wait --for=create configmap -l a=b --timeout=1s",
        "wait --for=jsonpath=.metadata.name=there configmap/there --timeout=1s",
        "wait --for=jsonpath=.metadata.name=a=b configmap/there",
        "wait --for=jsonpath=.metadata.name= configmap/there",
        "wait --for=delete configmap/nobody --timeout=1s",
        "cordon --selector=",
        "cordon",
        "drain --selector=",
        "create pdb a --selector=a --min-available=1 --dry-run=client -o yaml",
        "create pdb a --selector 'a in (c,b),d=e,!f' --min-available=1 --dry-run=client -o yaml",
        "create pdb a --selector a! --min-available=1",
    ),
    {
        "deployment.yaml": DEPLOYMENT,
        "pod.yaml": POD,
        "long.yaml": POD.replace("name: p", f"name: {'n' * 70}"),
        "unselected.yaml": DEPLOYMENT.replace("selector: {matchLabels: {app: web}}", "selector: {}"),
    },
)


UNKNOWN = "\napiVersion: nobody.io/v1\nkind: Foo\nmetadata: {name: f}\n"
PARTLY = Script(
    "partly",
    (
        "create -f maps.yaml",
        "label -f maps.yaml a=c --overwrite",
        'patch -f maps.yaml -p \'{"data":{"k":"w"}}\'',
        "replace -f m1.yaml --force --dry-run=server",
        "replace -f m1.yaml --force --dry-run=client",
        "replace -f m1.yaml --grace-period=1",
        "replace -f m1.yaml --timeout=1s",
        "apply -f deployment.yaml",
        "apply -f other.yaml --force --dry-run=server",
        "apply -f other.yaml --force --server-side",
        "create pdb b --selector=a=b --min-available=1 --max-unavailable=1",
        "get configmap/m1 deployment/web -o name",
        "scale deployment/nobody deployment/web --replicas=1",
        "scale -f unknown.yaml -f deployment.yaml --replicas=2",
        "scale -f unknown.yaml --replicas=2",
        "scale deployment/web --replicas=3 --current-replicas=7 --dry-run=client",
        "scale deployment web nobody --replicas=3",
        "scale deployment/web configmap/m1 --replicas=3 --resource-version=1",
        "expose -f deployment.yaml -f m1.yaml -f other.yaml --port=80",
        "expose deployment nobody web --port=80 --name=again",
        "autoscale deployment nobody web --max=3",
        "wait -f unknown.yaml --for=create --timeout=1s",
        "label -f elsewhere.yaml a=b",
        "exec -f elsewhere.yaml -- date",
        "debug -f elsewhere.yaml --image=busybox",
        "delete configmap m1 --all-namespaces",
        "delete configmap --all-namespaces --field-selector metadata.name=m1",
        "label configmap --all-namespaces --field-selector metadata.name=m1 a=b",
        "delete configmap m1 --now --grace-period=1",
        "delete clusterrole nobody --all-namespaces",
        "get -f elsewhere.yaml",
        "get cm,configmaps m1 -o name",
        "get cm,configmaps --field-selector metadata.name=m1 -o name",
        "describe -f elsewhere.yaml",
        "get -f own.yaml configmap",
        "diff",
        "diff -f nothing.yaml",
        "delete -f own.yaml configmap m1",
        "label -f own.yaml configmap q=r",
        "label -f own.yaml configmap/m1 q=r",
        "expose -f deployment.yaml deployment web --port=80",
        "autoscale -f deployment.yaml deployment web --max=2",
        "describe configmap m1 nobody",
        "get -f own.yaml -f unknown.yaml -f m1.yaml -o name",
        "get -f own.yaml -o name --watch --request-timeout=1",
        "describe -f own.yaml",
        "patch -f elsewhere.yaml -p {}",
        "delete -f elsewhere.yaml",
        "delete -f unknown.yaml",
        *(
            f"{verb} -f empty.yaml"
            for verb in ("apply", "create", "delete", "diff", "get", "replace", "edit")
        ),
        "label -f empty.yaml a=b",
        "patch -f empty.yaml -p {}",
        "scale -f empty.yaml --replicas=1",
        "autoscale -f empty.yaml --max=2",
        "replace -f empty.yaml",
        "delete -f maps.yaml",
        "get configmaps -l a -o name",
    ),
    {
        "maps.yaml": "---".join((MAP.replace("old", "m1"), UNKNOWN, MAP.replace("old", "m2"))),
        "m1.yaml": MAP.replace("old", "m1"),
        "unknown.yaml": UNKNOWN,
        "empty.yaml": "",
        "own.yaml": MAP.replace("name: old,", "name: m1, namespace: {ns},"),
        "elsewhere.yaml": MAP.replace("name: old,", "name: kube-root-ca.crt, namespace: default,"),
        "deployment.yaml": DEPLOYMENT,
        "other.yaml": OTHER_SELECTOR,
    },
)


MISSING = Script(
    "missing",
    (
        "apply -f deployment.yaml -f pod.yaml",
        "set image deployment/web nobody=x c=busybox:2",
        "get deployment web -o jsonpath={.spec.template.spec.containers[*].image}",
        "set image deployment/web nobody=x",
        "set image deployment/web pod/p nobody=x",
        "set image deployment/web c*=x",
        "set image deployment/web *=x c=y",
        "set image deployment/web *=busybox:3 -o jsonpath={.spec.template.spec.containers[*].image}",
        "set image -f bare.yaml --local c=x -o name",
        "set resources deployment/web pod/p -c nobody --limits=cpu=1",
        "set resources deployment/web -c nobody --limits=cpu=1",
        "create configmap b",
        "create configmap c",
        "get configmaps --sort-by=.nope",
        "get configmaps --sort-by=.nope --ignore-not-found",
        "get configmaps --sort-by=.nope -o name",
        "get configmaps --sort-by=.nope --server-print=false",
        "get configmaps b c --sort-by=.nope",
        "get configmap b --sort-by=.nope -o name",
        "get configmap b --sort-by=.nope -o custom-columns=N:.metadata.name",
        "get configmaps --field-selector metadata.name=b --sort-by=.nope -o name",
        "get configmaps,pods --sort-by=.nope",
        "get configmaps --sort-by=.metadata.name --watch-only --request-timeout=1",
        "get configmaps --sort-by=.metadata.name -l a=b --watch --request-timeout=1",
    ),
    {
        "deployment.yaml": DEPLOYMENT,
        "pod.yaml": POD,
        "bare.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
    },
)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with plane_for_scripts(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.mark.parametrize(
    "script", [MANIFESTS, ASKING, SEVERAL, RECORDED, PARTLY, MISSING], ids=lambda script: script.name
)
def test_a_script_comes_to_the_same(script: Script, plane: Plane, tmp_path: Path) -> None:
    assert difference(plane, script, tmp_path) == ""
