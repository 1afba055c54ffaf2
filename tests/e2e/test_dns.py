"""Cluster DNS as pods see it, over UDP and TCP, names outside too, and CoreDNS's manifest in its place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dns.message
import dns.query
import pytest

from kubeadm.config import HOST_RESOLV_CONF, ClusterConfig
from tests.e2e.conftest import Kubectl, eventually, kill
from tests.fakes.dns_server import FakeResolver, resolver_in_a_thread

pytestmark = pytest.mark.e2e

CLUSTER_DNS = "10.96.0.10"
RESOLVER = "127.0.0.153"
"""Where this test's own resolver listens: nobody else has that address."""

PODS = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {page: hostname}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, labels: {app: db, page: hostname}}
spec:
  hostname: db-0
  subdomain: db
  setHostnameAsFQDN: true
  terminationGracePeriodSeconds: 0
  containers:
    - name: c
      image: busybox:1.36
      command: [sh, -c, 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www']
      readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: db-1, labels: {app: db}}
spec:
  hostname: db-1
  subdomain: db
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: 'busybox:1.36', command: [sleep, '100000']}]
"""

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: c, image: 'busybox:1.36', command: [sleep, '100000']}}]
  {spec}
"""

NONE = (
    "dnsPolicy: None\n  dnsConfig: {nameservers: [10.96.0.10], searches: [kube-system.svc.cluster.local],"
    " options: [{name: ndots, value: '2'}, {name: edns0}]}"
)
NETWORK = "hostNetwork: true"


def run_pod(kubectl: Kubectl, name: str, spec: str = "") -> None:
    kubectl.apply(POD.format(name=name, spec=spec))
    kubectl.wait(f"pod/{name}", "condition=Ready")


def resolved(kubectl: Kubectl, name: str, pod: str = "client") -> str:
    """The address that libc finds for a name, by the pod's search path."""
    done = kubectl.run("exec", pod, "--", "ping", "-c1", "-W1", name)
    found = re.match(r"PING \S+ \(([\d.]+)\)", done.stdout)
    assert found, done.stdout + done.stderr
    return found[1]


def looked_up(kubectl: Kubectl, name: str, type: str = "a") -> str:
    """What the name server says; a name with a dot in it has to be complete."""
    return kubectl("exec", "client", "--", "nslookup", f"-type={type}", name)


def looked_up_address(kubectl: Kubectl, address: str) -> str:
    return kubectl("exec", "client", "--", "nslookup", address)


def pod_ip(kubectl: Kubectl, name: str) -> str:
    return kubectl.path("pod", name, "{.status.podIP}")


@pytest.fixture
def client(kubectl: Kubectl) -> Kubectl:
    """A kubectl whose namespace has a pod to ask from."""
    run_pod(kubectl, "client")
    return kubectl


@pytest.fixture
def database(client: Kubectl) -> Kubectl:
    client.apply(PODS)
    for pod in ("db-0", "db-1"):
        client.wait(f"pod/{pod}", "condition=Ready")
    return client


def test_services_are_found_by_short_and_by_full_name_from_any_namespace(database: Kubectl) -> None:
    assert eventually(lambda: resolved(database, "kubernetes.default")) == "10.96.0.1"
    assert resolved(database, "kubernetes.default.svc.cluster.local") == "10.96.0.1"
    ip = database.path("service", "web", "{.spec.clusterIP}")
    for name in ("web", f"web.{database.namespace}", f"web.{database.namespace}.svc.cluster.local"):
        assert eventually(lambda name=name: resolved(database, name)) == ip
    fetch = ("timeout", "20", "wget", "-qO-", f"http://web.{database.namespace}/")
    # The rules come behind the endpoints.
    assert eventually(lambda: database("exec", "client", "--", *fetch)).startswith("db-0")
    assert f"name = web.{database.namespace}.svc.cluster.local" in looked_up_address(database, ip)


def test_pods_of_a_headless_service_have_names_of_their_own(database: Kubectl) -> None:
    domain = f"db.{database.namespace}.svc.cluster.local"
    addresses = {pod: pod_ip(database, pod) for pod in ("db-0", "db-1")}
    for pod, address in addresses.items():
        assert eventually(lambda pod=pod: resolved(database, f"{pod}.db")) == address
    assert database("exec", "db-0", "--", "hostname").strip() == f"db-0.{domain}"
    assert database("exec", "db-1", "--", "hostname").strip() == "db-1"
    assert database("exec", "db-1", "--", "hostname", "-f").strip() == f"db-1.{domain}"
    told = looked_up(database, domain)
    assert all(address in told for address in addresses.values())
    services = re.findall(r"service = 0 50 5432 (\S+)", looked_up(database, f"_sql._tcp.{domain}", "srv"))
    assert sorted(services) == [f"{pod}.{domain}" for pod in addresses]
    assert f"name = db-1.{domain}" in looked_up_address(database, addresses["db-1"])
    database("delete", "pod", "db-1")
    eventually(lambda: database.run("exec", "client", "--", "nslookup", f"db-1.{domain}").returncode != 0)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("", "search {own} {host}\nnameserver 10.96.0.10\noptions ndots:5\n", id="ClusterFirst"),
        pytest.param("dnsPolicy: Default", "{text}", id="Default"),
        pytest.param(NETWORK, "{text}", id="on the host's network"),
        pytest.param(
            f"{NETWORK}\n  dnsPolicy: ClusterFirstWithHostNet",
            "search {own} {host}\nnameserver 10.96.0.10\noptions ndots:5\n",
            id="ClusterFirstWithHostNet",
        ),
        pytest.param(
            NONE,
            "search kube-system.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:2 edns0\n",
            id="None",
        ),
    ],
)
def test_a_pods_policy_says_whom_it_asks(
    kubectl: Kubectl, cluster: ClusterConfig, spec: str, expected: str
) -> None:
    with host_resolvers(cluster, "search lan.example\nnameserver 192.0.2.53\n") as text:
        run_pod(kubectl, "asking", spec)
        own = f"{kubectl.namespace}.svc.cluster.local svc.cluster.local cluster.local"
        seen = kubectl("exec", "asking", "--", "cat", "/etc/resolv.conf")
        assert seen == expected.format(own=own, host="lan.example", text=text)
        if "10.96.0.10" in expected:
            short = "kube-dns" if spec == NONE else "kube-dns.kube-system"
            assert eventually(lambda: resolved(kubectl, short, "asking")) == CLUSTER_DNS


@contextmanager
def host_resolvers(cluster: ClusterConfig, text: str) -> Iterator[str]:
    """The host's resolv.conf for a while."""
    if cluster.resolv_conf == HOST_RESOLV_CONF:
        pytest.skip("the cluster that runs has the machine's own resolv.conf, which is not ours to change")
    before = cluster.resolv_conf.read_text()
    cluster.resolv_conf.write_text(text)
    try:
        yield text
    finally:
        cluster.resolv_conf.write_text(before)


@pytest.fixture
def outside(cluster: ClusterConfig) -> Iterator[FakeResolver]:
    """A resolver that knows the world outside, as the only one the host has."""
    world = {
        ("www.example.com.", "A"): ["192.0.2.80"],
        ("many.example.com.", "A"): [f"192.0.2.{n}" for n in range(1, 100)],
    }
    with (
        resolver_in_a_thread(world, RESOLVER) as resolver,
        host_resolvers(cluster, f"nameserver {RESOLVER}\n"),
    ):
        yield resolver


def test_names_outside_are_asked_of_the_hosts_resolver(client: Kubectl, outside: FakeResolver) -> None:
    assert eventually(lambda: resolved(client, "www.example.com")) == "192.0.2.80"
    assert not [name for name, *_ in outside.asked if "cluster.local" in name]
    client("create", "service", "externalname", "out", "--external-name=www.example.com")
    assert eventually(lambda: resolved(client, "out")) == "192.0.2.80"
    name = f"out.{client.namespace}.svc.cluster.local"
    assert "canonical name = www.example.com" in looked_up(client, name, "cname")


def test_long_answers_come_over_tcp(client: Kubectl, outside: FakeResolver) -> None:
    query = dns.message.make_query("many.example.com.", "A")

    def answer() -> dns.message.Message:
        response, used_tcp = dns.query.udp_with_fallback(query, CLUSTER_DNS, timeout=10)
        assert used_tcp
        assert response.answer
        return response

    assert len(eventually(answer).answer[0]) == 99
    octets = "".join(f"\\{byte:03o}" for byte in query.to_wire(prepend_length=True))
    script = f"(printf '{octets}'; sleep 3) | nc {CLUSTER_DNS} 53 | xxd -p | tr -d '\\n'"
    answered = bytes.fromhex(client("exec", "client", "--", "sh", "-c", script))
    assert len(dns.message.from_wire(answered[2:]).answer[0]) == 99


def test_a_killed_server_is_back_in_a_moment(client: Kubectl, cluster: ClusterConfig) -> None:
    assert eventually(lambda: resolved(client, "kubernetes.default")) == "10.96.0.1"
    kill(cluster, "kube-dns")
    assert eventually(lambda: resolved(client, "kubernetes.default")) == "10.96.0.1"


# CoreDNS's manifest, with kubeadm's and upstream's objects and fields. Where its image would be there is
# busybox, and in it this project's own server from the host's disk, which needs what CoreDNS needs: the
# rights, the ports, the probes.

COREDNS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: coredns, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: 'system:coredns'}
rules:
  - {apiGroups: [''], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}
  - {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: 'system:coredns'}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:coredns'}
subjects: [{kind: ServiceAccount, name: coredns, namespace: kube-system}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data: {Corefile: ".:53 {}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec:
  replicas: 2
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}
  selector: {matchLabels: {k8s-app: kube-dns}}
  template:
    metadata: {labels: {k8s-app: kube-dns}}
    spec:
      securityContext: {seccompProfile: {type: RuntimeDefault}}
      priorityClassName: system-cluster-critical
      serviceAccountName: coredns
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                labelSelector: {matchExpressions: [{key: k8s-app, operator: In, values: [kube-dns]}]}
                topologyKey: kubernetes.io/hostname
      tolerations: [{key: CriticalAddonsOnly, operator: Exists}]
      nodeSelector: {kubernetes.io/os: linux}
      terminationGracePeriodSeconds: 1
      dnsPolicy: Default
      containers:
        - name: coredns
          image: busybox:1.36
          imagePullPolicy: IfNotPresent
          resources: {limits: {memory: 170Mi}, requests: {cpu: 100m, memory: 70Mi}}
          command: COMMAND
          args: [--port=53, --v=1]
          ports:
            - {containerPort: 53, name: dns, protocol: UDP}
            - {containerPort: 53, name: dns-tcp, protocol: TCP}
            - {containerPort: 9153, name: metrics, protocol: TCP}
          livenessProbe: {httpGet: {path: /health, port: 8080, scheme: HTTP}, initialDelaySeconds: 60}
          readinessProbe: {httpGet: {path: /ready, port: 8181, scheme: HTTP}, periodSeconds: 1}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}
            readOnlyRootFilesystem: true
          volumeMounts:
            - {name: config-volume, mountPath: /etc/coredns, readOnly: true}
            MOUNTS
      volumes:
        - {name: config-volume, configMap: {name: coredns, items: [{key: Corefile, path: Corefile}]}}
        VOLUMES
---
apiVersion: v1
kind: Service
metadata:
  name: kube-dns
  namespace: kube-system
  annotations: {prometheus.io/port: '9153', prometheus.io/scrape: 'true'}
  labels: {k8s-app: kube-dns, kubernetes.io/cluster-service: 'true', kubernetes.io/name: CoreDNS}
spec:
  selector: {k8s-app: kube-dns}
  clusterIP: 10.96.0.10
  ports:
    - {name: dns, port: 53, protocol: UDP}
    - {name: dns-tcp, port: 53, protocol: TCP}
    - {name: metrics, port: 9153, protocol: TCP}
"""


def coredns_with_a_stand_in() -> str:
    """The interpreter, its libraries and this checkout come from the host, each under its own path."""
    source = Path(__file__).parents[2]
    paths = dict.fromkeys(["/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix, str(source)])
    mounts = "\n            ".join(
        f"- {{name: host-{n}, mountPath: {path}, readOnly: true}}" for n, path in enumerate(paths)
    )
    volumes = "\n        ".join(
        f"- {{name: host-{n}, hostPath: {{path: {path}}}}}" for n, path in enumerate(paths)
    )
    command = f"['{sys.executable}', -m, kube_dns]"
    return COREDNS.replace("COMMAND", command).replace("MOUNTS", mounts).replace("VOLUMES", volumes)


def places(kubectl: Kubectl) -> set[str]:
    """Where the Service leads."""
    slices = kubectl.get("endpointslices", "-l", "kubernetes.io/service-name=kube-dns")["items"]
    return {
        address
        for each in slices
        for endpoint in each["endpoints"] or ()
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    }


def test_coredns_manifest_takes_our_place_and_gives_it_back(client: Kubectl, cluster: ClusterConfig) -> None:
    system = replace(client, namespace="kube-system")
    eventually(lambda: places(system) == {cluster.node_ip})
    manifest = coredns_with_a_stand_in()
    system.apply(manifest)
    try:
        system.rolled_out("deployment/coredns")
        pods = system.get("pods", "-l", "k8s-app=kube-dns")["items"]
        eventually(lambda: places(system) == {pod["status"]["podIP"] for pod in pods})
        assert len(pods) == 2
        assert eventually(lambda: resolved(client, "kubernetes.default")) == "10.96.0.1"
        for pod in pods:
            eventually(lambda name=pod["metadata"]["name"]: "Daemon is ready" in system("logs", name))
    finally:
        system("delete", "-f", "-", stdin=manifest)
    eventually(lambda: places(system) == {cluster.node_ip})
    assert eventually(lambda: resolved(client, "kubernetes.default")) == "10.96.0.1"
