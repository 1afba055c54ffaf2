"""The scheduler's flags, with upstream's names."""

from __future__ import annotations

from dataclasses import dataclass

from component_base.features import GatedOptions
from component_base.flags import duration, flag


@dataclass(frozen=True)
class Options(GatedOptions):
    config: str = flag("", "The path to the configuration file.")
    plugins_from: tuple[str, ...] = flag(
        (), "Python modules or files with scheduler plugins of one's own; see docs/scheduler.md."
    )
    kubeconfig: str = flag("", "path to kubeconfig file with authorization and master location information.")
    bind_address: str = flag("0.0.0.0", "The IP address on which to listen for the --secure-port port.")
    secure_port: int = flag(10259, "The port on which to serve HTTPS. If 0, don't serve HTTPS at all.")
    tls_cert_file: str = flag("", "File containing the default x509 Certificate for HTTPS.")
    tls_private_key_file: str = flag("", "File containing the x509 private key matching --tls-cert-file.")
    leader_elect: bool = flag(True, "Start a leader election client and gain leadership before scheduling.")
    leader_elect_lease_duration: float = duration(15, "How long non-leaders wait before they try to lead.")
    leader_elect_renew_deadline: float = duration(10, "How long the leader retries renewing before it stops.")
    leader_elect_retry_period: float = duration(2, "How long to wait between tries to lead or renew.")
    leader_elect_resource_name: str = flag("kube-scheduler", "The name of the Lease.")
    leader_elect_resource_namespace: str = flag("kube-system", "The namespace of the Lease.")
    client_ca_file: str = flag(
        "", "If set, client certificates signed by one of these authorities are known."
    )
    authentication_kubeconfig: str = flag("", "Accepted, and without effect: --kubeconfig is used.")
    authorization_kubeconfig: str = flag("", "Accepted, and without effect: --kubeconfig is used.")
    kube_api_qps: float = flag(0.0, "QPS to use while talking with the apiserver; 0 is without limit.")
