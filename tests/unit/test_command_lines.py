"""Command lines made for upstream's daemons start ours: kubeadm's, and those of hardening guides."""

from __future__ import annotations

import pytest

import apiserver.options
import controller_manager.options
import kube_proxy.options
import kubelet.options
import scheduler.options
from component_base.flags import CommonOptions, Unused, parse

Daemon = tuple[type[CommonOptions], Unused]

APISERVER: Daemon = (apiserver.options.Options, apiserver.options.UNUSED)
CONTROLLER_MANAGER: Daemon = (controller_manager.options.Options, controller_manager.options.UNUSED)
SCHEDULER: Daemon = (scheduler.options.Options, scheduler.options.UNUSED)
KUBELET: Daemon = (kubelet.options.Options, kubelet.options.UNUSED)
PROXY: Daemon = (kube_proxy.options.Options, kube_proxy.options.UNUSED)


@pytest.mark.parametrize(
    ("daemon", "line", "unused"),
    [
        pytest.param(
            APISERVER,
            """
            --advertise-address=192.0.2.1 --allow-privileged=true --authorization-mode=Node,RBAC
            --client-ca-file=ca.crt --enable-admission-plugins=NodeRestriction
            --enable-bootstrap-token-auth=true
            --etcd-cafile=ca.crt --etcd-certfile=c.crt --etcd-keyfile=c.key --etcd-servers=https://127.0.0.1:2379
            --kubelet-client-certificate=k.crt --kubelet-client-key=k.key
            --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname
            --proxy-client-cert-file=p.crt --proxy-client-key-file=p.key
            --requestheader-allowed-names=front-proxy-client --requestheader-client-ca-file=f.crt
            --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group
            --requestheader-username-headers=X-Remote-User --secure-port=6443
            --service-account-issuer=https://kubernetes.default.svc.cluster.local
            --service-account-key-file=sa.pub --service-account-signing-key-file=sa.key
            --service-cluster-ip-range=10.96.0.0/12 --tls-cert-file=a.crt --tls-private-key-file=a.key
            """,
            (),
            id="kubeadm's apiserver",
        ),
        pytest.param(
            CONTROLLER_MANAGER,
            """
            --allocate-node-cidrs=true --authentication-kubeconfig=c.conf --authorization-kubeconfig=c.conf
            --bind-address=127.0.0.1 --client-ca-file=ca.crt --cluster-cidr=10.244.0.0/16
            --cluster-name=kubernetes --cluster-signing-cert-file=ca.crt --cluster-signing-key-file=ca.key
            --controllers=*,bootstrapsigner,tokencleaner --kubeconfig=c.conf --leader-elect=true
            --requestheader-client-ca-file=f.crt --root-ca-file=ca.crt
            --service-account-private-key-file=sa.key --service-cluster-ip-range=10.96.0.0/12
            --use-service-account-credentials=true
            """,
            ("--cluster-name", "--requestheader-client-ca-file", "--use-service-account-credentials"),
            id="kubeadm's controller manager",
        ),
        pytest.param(
            SCHEDULER,
            """
            --authentication-kubeconfig=s.conf --authorization-kubeconfig=s.conf --bind-address=127.0.0.1
            --kubeconfig=s.conf --leader-elect=true
            """,
            (),
            id="kubeadm's scheduler",
        ),
        pytest.param(
            KUBELET,
            """
            --bootstrap-kubeconfig=b.conf --kubeconfig=k.conf --config=config.yaml
            --container-runtime-endpoint=unix:///var/run/containerd/containerd.sock
            --pod-infra-container-image=registry.k8s.io/pause:3.10 --node-ip=192.0.2.1 --fail-swap-on=false
            """,
            (),
            id="kubeadm's kubelet",
        ),
        pytest.param(PROXY, "--config=config.conf --hostname-override=n1", (), id="kubeadm's proxy"),
        pytest.param(
            APISERVER,
            """
            --profiling=false --anonymous-auth=false --tls-min-version=VersionTLS12
            --tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
            --audit-log-path=audit.log --audit-log-maxage=30 --audit-log-maxbackup=10 --audit-log-maxsize=100
            --request-timeout=300s --service-account-lookup=true --encryption-provider-config=e.yaml
            --strict-transport-security-directives=max-age=31536000,includeSubDomains
            """,
            (),
            id="a hardened apiserver",
        ),
        pytest.param(
            CONTROLLER_MANAGER,
            "--profiling=0 --terminated-pod-gc-threshold=9 --tls-min-version=VersionTLS13 --cert-dir=certs",
            ("--profiling",),
            id="a hardened controller manager",
        ),
        pytest.param(
            CONTROLLER_MANAGER,
            "--enable-leader-migration --leader-migration-config=l.yaml --cloud-provider=external",
            ("--enable-leader-migration", "--leader-migration-config", "--cloud-provider"),
            id="a controller manager beside that of a cloud",
        ),
        pytest.param(
            KUBELET,
            """
            --anonymous-auth=false --authorization-mode=Webhook --client-ca-file=ca.crt --read-only-port=0
            --streaming-connection-idle-timeout=5m --make-iptables-util-chains=true --event-qps=0
            --rotate-certificates --rotate-server-certificates --protect-kernel-defaults=true
            --tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 --pod-max-pids=100 --seccomp-default
            """,
            (),
            id="a hardened kubelet",
        ),
    ],
)
def test_command_lines(daemon: Daemon, line: str, unused: tuple[str, ...]) -> None:
    kind, ignored = daemon
    assert parse(kind, line.split(), prog="test", unused=ignored).unused == unused
