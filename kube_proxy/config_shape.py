"""The fields of KubeProxyConfiguration in Go's types.

Source: staging/src/k8s.io/kube-proxy/config/v1alpha1/types.go of Kubernetes 1.34.
"""

from __future__ import annotations

from component_base.config_shape import (
    BOOL,
    CLIENT_CONNECTION,
    DURATION,
    INT32,
    LOGGING,
    STRING,
    ListOf,
    MapOf,
    Struct,
    named,
    of_type,
)

_RULES = {"masqueradeBit": INT32, "masqueradeAll": BOOL, **of_type(DURATION, "syncPeriod minSyncPeriod")}
_IPVS = {
    **of_type(DURATION, "syncPeriod minSyncPeriod tcpTimeout tcpFinTimeout udpTimeout"),
    "scheduler": STRING,
    "excludeCIDRs": ListOf(STRING),
    "strictARP": BOOL,
}
_CONNTRACK = {
    **of_type(INT32, "maxPerCore min"),
    **of_type(DURATION, "tcpEstablishedTimeout tcpCloseWaitTimeout udpTimeout udpStreamTimeout"),
    "tcpBeLiberal": BOOL,
}
_WINDOWS = {
    **of_type(STRING, "networkName sourceVip rootHnsEndpointName"),
    **of_type(BOOL, "enableDSR forwardHealthCheckVip"),
}
CONFIGURATION = Struct("v1alpha1.KubeProxyConfiguration", {
    **of_type(
        STRING,
        "apiVersion kind hostnameOverride bindAddress healthzBindAddress metricsBindAddress "
        "showHiddenMetricsForVersion clusterCIDR portRange",
    ),
    **of_type(BOOL, "bindAddressHardFail enableProfiling windowsRunAsService"),
    "featureGates": MapOf(BOOL),
    "clientConnection": CLIENT_CONNECTION,
    "logging": LOGGING,
    "mode": named("v1alpha1.ProxyMode"),
    "iptables": Struct(
        "v1alpha1.KubeProxyIPTablesConfiguration", {**_RULES, "localhostNodePorts": BOOL}
    ),
    "ipvs": Struct("v1alpha1.KubeProxyIPVSConfiguration", _IPVS),
    "nftables": Struct("v1alpha1.KubeProxyNFTablesConfiguration", _RULES),
    "winkernel": Struct("v1alpha1.KubeProxyWinkernelConfiguration", _WINDOWS),
    "detectLocalMode": named("v1alpha1.LocalMode"),
    "detectLocal": Struct(
        "v1alpha1.DetectLocalConfiguration", of_type(STRING, "bridgeInterface interfaceNamePrefix")
    ),
    "nodePortAddresses": ListOf(STRING),
    "oomScoreAdj": INT32,
    "conntrack": Struct("v1alpha1.KubeProxyConntrackConfiguration", _CONNTRACK),
    "configSyncPeriod": DURATION,
})  # fmt: skip
