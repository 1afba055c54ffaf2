"""What our verbs print, to stdout and stderr, and their exit codes are those of kubectl 1.33."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import LIMIT, SAMPAN
from tests.e2e.kubectls import kubectl_path
from tests.e2e.side_by_side import VERSION, Script, difference, plane_for_scripts
from tests.integration.plane import Plane

RBAC = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: "{ns}", labels: {a: b}}
rules:
- {apiGroups: [""], resources: [pods, services], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb, namespace: "{ns}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects:
- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ignored}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{ns}"}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
rules: []
"""
OTHER_RBAC = RBAC.replace("services]", "secrets]").replace("jane", "joe").replace("a: b}}]", "c: d}}]")
RECONCILE = Script(
    "reconcile",
    (
        "auth reconcile -f rbac.yaml --dry-run=client",
        "auth reconcile -f rbac.yaml",
        "auth reconcile -f rbac.yaml",
        "auth reconcile -f other.yaml",
        "auth reconcile -f rbac.yaml --remove-extra-permissions --remove-extra-subjects",
        "auth reconcile -f bound.yaml",
        "annotate role/r rbac.authorization.kubernetes.io/autoupdate=false",
        "auth reconcile -f other.yaml",
        "auth reconcile -f rbac.yaml --namespace=bad",
        "auth reconcile -f rbac.yaml --dry-run=server",
        "auth reconcile",
        "auth reconcile word -f rbac.yaml",
        "auth reconcile -f nowhere.yaml",
        "auth reconcile -f old.yaml",
        "get role,rolebinding -o yaml",
    ),
    {
        "rbac.yaml": RBAC,
        "other.yaml": OTHER_RBAC,
        "bound.yaml": OTHER_RBAC.replace("name: r}", "name: other}"),
        "old.yaml": "apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role\nmetadata: {name: r}\n",
    },
)


KUSTOMIZATIONS = Path(__file__).with_name("kustomizations")
BROKEN = {
    "missing": "resources: [nowhere.yaml]",
    "unknown": "colour: blue",
    "empty": "{}",
    "above": "resources: [../base/app.yaml]",
    "unmatched": "resources: [../base]\n"
    "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: nobody}}'}]",
    "twice": "bases: [../base, ../base]",
    "cycle": "resources: [../cycle]",
    "nameless": "resources: [../pod]",
    "pod": "resources: [pod.yaml]",
    "scalar": "resources: ../base",
    "nofile": "configMapGenerator: [{name: a, files: [nowhere.txt]}]",
    "nopatch": "resources: [../base]\npatches: [{path: nowhere.yaml}]",
    "noreplica": "resources: [../base]\nreplicas: [{name: nobody, count: 1}]",
    "nocomponent": "components: [../nowhere]",
    "badkind": "kind: Something\nresources: [x]",
}
KUSTOMIZE = Script(
    "kustomize",
    (
        "kustomize base",
        "kustomize over",
        "kustomize custom",
        "create -k base --dry-run=client",
        "apply -k over",
        "get -k over -o name",
        "diff -k over",
        "delete -k over --wait=false",
        "apply -k over -f x",
        "apply -k nowhere",
        "kustomize nowhere",
        "kustomize base/app.yaml",
        *(f"kustomize {name}" for name in BROKEN),
    ),
    {
        **{
            str(path.relative_to(KUSTOMIZATIONS)): path.read_text()
            for path in KUSTOMIZATIONS.rglob("*")
            if path.is_file()
        },
        **{f"{name}/kustomization.yaml": text for name, text in BROKEN.items()},
        "pod/pod.yaml": "{apiVersion: v1, kind: Pod, metadata: {labels: {a: b}}}",
    },
)

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {a: b}, annotations: {c: d}}
spec:
  initContainers: [{name: i, image: "busybox:1"}]
  containers:
  - name: c
    image: "busybox:1"
    args: [x]
    livenessProbe: {exec: {command: ["true"]}}
    securityContext: {runAsUser: 5}
  - {name: d, image: "busybox:2"}
"""
NOT_A_TABLE = (
    "-o jsonpath='{.metadata.labels}{.metadata.annotations}{.spec.containers}{.spec.ephemeralContainers}'"
)
DEBUG = Script(
    "debug",
    (
        "create -f pod.yaml",
        "debug p --image=busybox -c legacy",
        "debug p --image=busybox -c x --profile=general --target=c --env=A=b -- sh -c x",
        "debug p --image=busybox -c y --profile=restricted -q --custom=custom.yaml",
        f"get pod p {NOT_A_TABLE}",
        "debug p --copy-to=one --profile=general --image=busybox -c new --keep-labels",
        f"get pod one {NOT_A_TABLE}",
        "debug p --copy-to=two --profile=sysadmin -c c --share-processes=false --keep-liveness -- sleep 1",
        f"get pod two {NOT_A_TABLE}",
        "debug p --copy-to=three --set-image=*=foo,d=bar:1",
        f"get pod three {NOT_A_TABLE}",
        "debug p --image=busybox -c legacy --profile=netadmin",
        "debug p --copy-to=a -c zzz -- a b",
        "debug p --copy-to=a",
        "debug p --copy-to=a -- x",
        "debug p",
        "debug --image=x",
        "debug p --replace --image=x",
        "debug p --same-node --image=x",
        "debug p --set-image=a=b --image=x",
        "debug p --image=BAD/x:",
        "debug p --image=x --image-pull-policy=Sometimes",
        "debug p --image=x --profile=none",
        "debug p --image=x -t",
        "debug p --image=x --env=zz",
        "debug p --copy-to=a --image=x --target=c",
        "debug p --attach --copy-to=a -- x",
        "debug nobody --image=x --profile=general -c e",
        "debug svc/kubernetes --namespace=default --image=x",
    ),
    {"pod.yaml": POD, "custom.yaml": "env: [{name: Z, value: z}]\nsecurityContext: {runAsUser: 0}\n"},
)


def config_map(name: str, labels: str = "{a: b}", value: str = "1") -> str:
    return f"""
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, labels: {labels}}}
data: {{v: "{value}"}}
"""


CLAIM = """
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, labels: {a: b}}
"""
FEW_KINDS = "--prune-allowlist=core/v1/ConfigMap --prune-allowlist=core/v1/ServiceAccount"
PRUNE = Script(
    "prune",
    (
        "apply -f three.yaml",
        "create -f made.yaml",
        "apply -f one.yaml --prune",
        "apply -f one.yaml --prune --all --force",
        "apply -f one.yaml --prune -l a=b --server-side",
        "apply -f one.yaml --prune -l a=b --prune-allowlist=nonsense",
        "apply -f one.yaml --prune -l a=b --prune-allowlist=core/v1/Nonsense",
        f"apply -f one.yaml --prune -l a=b --dry-run=client {FEW_KINDS}",
        f"apply -f one.yaml --prune -l a=b --dry-run=server {FEW_KINDS}",
        f"diff -f one.yaml --prune -l a=b {FEW_KINDS}",
        f"apply -f one.yaml --prune -l a=b {FEW_KINDS}",
        "get configmap,serviceaccount -o name",
        "apply -f three.yaml",
        "apply -f one.yaml --prune --all -l a=b",
        "get configmap,serviceaccount -o name",
        "apply -f one.yaml --applyset=set",
    ),
    {
        "three.yaml": config_map("one") + config_map("two") + config_map("other", "{a: c}") + CLAIM,
        "one.yaml": config_map("one"),
        "made.yaml": config_map("made"),
    },
)
APPLY_SET = Script(
    "applyset",
    (
        "apply -f three.yaml --prune --applyset=set",
        "get secret set -o yaml",
        "get configmap one two -o jsonpath={.items[*].metadata.labels}",
        "apply -f one.yaml --prune --applyset=set --dry-run=server",
        "apply -f one.yaml --prune --applyset=set",
        "get secret set -o yaml",
        "apply -f one.yaml --applyset=set",
        "apply -f one.yaml --prune --applyset=set --all",
        "apply -f one.yaml --prune --applyset=set -l a=b",
        "apply -f one.yaml --prune --applyset=services/set",
        "apply -f one.yaml --prune --applyset=configmaps/one",
        "apply -f one.yaml --prune --applyset=nonsense/set",
        "apply -f one.yaml --prune --applyset=secrets/",
        "get configmap,serviceaccount -o name",
    ),
    {"three.yaml": config_map("one") + config_map("two") + CLAIM, "one.yaml": config_map("one")},
    {"KUBECTL_APPLYSET": "true"},
)
EDIT = Script(
    "edit",
    (
        "apply -f one.yaml",
        "create -f made.yaml",
        "apply edit-last-applied configmap/one",
        "apply view-last-applied configmap/one",
        "apply edit-last-applied configmap/made",
        "apply edit-last-applied configmap one -o json",
        "edit configmap one --output-patch",
        "edit configmap made --save-config",
        "get configmap made -o yaml",
        "create -f made2.yaml --edit",
        "create -f made2.yaml --edit --save-config -o json",
        "create --edit",
        "get configmap one made made2 -o yaml",
    ),
    {"one.yaml": config_map("one"), "made.yaml": config_map("made"), "made2.yaml": config_map("made2")},
    {"EDITOR": """sed -i -e 's/v: "1"/v: "2"/' -e 's/"v": "1"/"v": "3"/'"""},
)

FLAGS = Script(
    "flags",
    (
        "create configmap a --from-literal=x=1 --from-literal=y=<&> --append-hash --dry-run=client -o yaml",
        "create configmap a --append-hash",
        "create secret generic a --from-literal=x=1 --append-hash",
        "create secret generic a --type=t --append-hash",
        "create secret docker-registry a --docker-username=u --docker-password=p --append-hash",
        "create clusterrole {ns} --aggregation-rule=a=b,c=d --dry-run=client -o yaml",
        "create clusterrole {ns} --aggregation-rule=a=b --verb=get",
        "create clusterrole {ns} --aggregation-rule=a",
        "create --raw /api/v1/namespaces/{ns}/configmaps -f one.json",
        "create --raw /api/v1/namespaces/{ns}/configmaps -f one.json",
        "create --raw /api/v1/namespaces/{ns}/configmaps -f one.json --edit",
        "create --raw /api/v1/namespaces/{ns}/configmaps -f one.json -o yaml",
        "create --raw nowhere -f one.json",
        "replace --raw /api/v1/namespaces/{ns}/configmaps/one -f one.json",
        "replace --raw /api/v1/namespaces/{ns}/configmaps/one -f one.json -f two.json",
        "delete --raw /api/v1/namespaces/{ns}/configmaps/one -i",
        "delete --raw /api/v1/namespaces/{ns}/configmaps/one",
        "delete --raw /api/v1/namespaces/{ns}/configmaps/one",
        "create -f two.yaml -l a=c",
        "create -f two.yaml -l a=d",
        "delete configmap other -i",
        "get configmap -o name",
        "alpha",
        "plugin list",
    ),
    {
        "one.json": '{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "one"}}',
        "two.yaml": config_map("two") + config_map("other", "{a: c}"),
    },
)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with plane_for_scripts(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.mark.parametrize(
    "script", [RECONCILE, KUSTOMIZE, DEBUG, PRUNE, APPLY_SET, EDIT, FLAGS], ids=lambda script: script.name
)
def test_a_script_comes_to_the_same(script: Script, plane: Plane, tmp_path: Path) -> None:
    assert difference(plane, script, tmp_path) == ""


PROXY = ("proxy", "--port=0", "--api-prefix=/custom", "--www=www", "--reject-methods=DELETE,TRACE")
REQUESTS = (
    ("GET", "/custom/version", {}),
    ("GET", "/custom/api/v1/namespaces/nobody", {}),
    ("GET", "/custom/api/v1/pods?limit=%61", {}),
    ("POST", "/custom/api/v1/namespaces", {"content-type": "application/json"}),
    ("DELETE", "/custom/api/v1/namespaces/nobody", {}),
    ("GET", "/custom/api/v1/namespaces/default/pods/x/exec", {}),
    ("GET", "/custom/version", {"host": "evil.example"}),
    ("GET", "/custom/version", {"host": "[::1]:80"}),
    ("GET", "/custom", {}),
    ("GET", "/version", {}),
    ("GET", "/static/", {}),
    ("GET", "/static/page.txt", {}),
    ("GET", "/static/page.txt", {"range": "bytes=1-2"}),
    ("GET", "/static/nothing", {}),
    ("GET", "/static/sub", {}),
    ("GET", "/static/site/", {}),
    ("GET", "/static/site/index.html", {}),
)
TOLD = ("content-type", "location", "content-range", "x-content-type-options")


def answers(program: Path, plane: Plane, folder: Path) -> list[object]:
    """Status, headers that matter and body of each request, but for bodies of mere redirections."""
    process = subprocess.Popen(
        [str(program), f"--kubeconfig={plane.config.admin_kubeconfig}", *PROXY],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            address = lines.readline().removeprefix("Starting to serve on ").strip()
        with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=LIMIT) as client:
            results: list[object] = []
            for method, path, headers in REQUESTS:
                body = b"{}" if method == "POST" else None
                answer = client.request(
                    method, path, headers={"user-agent": "curl/1", **headers}, content=body
                )
                told = [
                    answer.headers.get(name) for name in TOLD if not answer.is_redirect or name == "location"
                ]
                results.append((method, path, answer.status_code, told, answer.is_redirect or answer.text))
            return results
    finally:
        process.terminate()
        process.wait()


def test_a_proxy_answers_as_kubectls_does(plane: Plane, tmp_path: Path) -> None:
    for name in ("page.txt", "sub/a&b.txt", "site/index.html"):
        (tmp_path / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "www" / name).write_text(f"{name}\n")
    ours, theirs = (answers(each, plane, tmp_path) for each in (SAMPAN, kubectl_path(VERSION)))
    assert ours == theirs


def test_a_proxy_follows_watches_on_a_socket_of_its_own(plane: Plane, tmp_path: Path) -> None:
    place = tmp_path / "socket"
    command = [
        str(SAMPAN),
        f"--kubeconfig={plane.config.admin_kubeconfig}",
        "proxy",
        f"--unix-socket={place}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            assert lines.readline() == f"Starting to serve on {place}\n"
        assert place.stat().st_mode & 0o077 == 0
        with (
            httpx.Client(
                transport=httpx.HTTPTransport(uds=str(place)), base_url="http://localhost", timeout=LIMIT
            ) as client,
            client.stream("GET", "/api/v1/namespaces?watch=true") as answer,
        ):
            assert '"name":"default"' in next(line for line in answer.iter_lines() if "default" in line)
    finally:
        process.terminate()
        process.wait()
