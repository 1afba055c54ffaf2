"""The fields of KubeletConfiguration in Go's types.

Source: staging/src/k8s.io/kubelet/config/v1beta1/types.go of Kubernetes 1.34.
"""

from __future__ import annotations

from component_base.config_shape import (
    BOOL,
    DURATION,
    FLOAT64,
    INT32,
    INT64,
    LOGGING,
    QUANTITY,
    STRING,
    ListOf,
    MapOf,
    Struct,
    named,
    of_type,
)

_AUTHENTICATION = Struct("v1beta1.KubeletAuthentication", {
    "x509": Struct("v1beta1.KubeletX509Authentication", {"clientCAFile": STRING}),
    "webhook": Struct("v1beta1.KubeletWebhookAuthentication", {"enabled": BOOL, "cacheTTL": DURATION}),
    "anonymous": Struct("v1beta1.KubeletAnonymousAuthentication", {"enabled": BOOL}),
})  # fmt: skip
_AUTHORIZATION = Struct("v1beta1.KubeletAuthorization", {
    "mode": named("v1beta1.KubeletAuthorizationMode"),
    "webhook": Struct(
        "v1beta1.KubeletWebhookAuthorization", of_type(DURATION, "cacheAuthorizedTTL cacheUnauthorizedTTL")
    ),
})  # fmt: skip
_TAINT = Struct("v1.Taint", {
    **of_type(STRING, "key value"), "effect": named("v1.TaintEffect"), "timeAdded": STRING,
})  # fmt: skip
_SHUTDOWN = Struct(
    "v1beta1.ShutdownGracePeriodByPodPriority", {"priority": INT32, "shutdownGracePeriodSeconds": INT64}
)
_RESERVATION = Struct("v1beta1.MemoryReservation", {"numaNode": INT32, "limits": MapOf(QUANTITY)})

CONFIGURATION = Struct("v1beta1.KubeletConfiguration", {
    **of_type(
        STRING,
        "address apiVersion cgroupDriver cgroupRoot clusterDomain containerLogMaxSize "
        "containerRuntimeEndpoint contentType cpuManagerPolicy hairpinMode healthzBindAddress "
        "imageServiceEndpoint kind kubeReservedCgroup kubeletCgroups memoryManagerPolicy podCIDR podLogsDir "
        "providerID reservedSystemCPUs resolvConf showHiddenMetricsForVersion staticPodPath staticPodURL "
        "systemCgroups systemReservedCgroup tlsCertFile tlsMinVersion tlsPrivateKeyFile "
        "topologyManagerPolicy topologyManagerScope volumePluginDir",
    ),
    **of_type(
        BOOL,
        "cgroupsPerQOS cpuCFSQuota enableContentionProfiling enableControllerAttachDetach "
        "enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler enableServer "
        "enableSystemLogHandler enableSystemLogQuery failCgroupV1 failSwapOn kernelMemcgNotification "
        "localStorageCapacityIsolation makeIPTablesUtilChains mergeDefaultEvictionSettings "
        "protectKernelDefaults registerNode rotateCertificates runOnce seccompDefault serializeImagePulls "
        "serverTLSBootstrap singleProcessOOMKill",
    ),
    **of_type(
        INT32,
        "containerLogMaxFiles containerLogMaxWorkers eventBurst eventRecordQPS evictionMaxPodGracePeriod "
        "healthzPort imageGCHighThresholdPercent imageGCLowThresholdPercent iptablesDropBit "
        "iptablesMasqueradeBit kubeAPIBurst kubeAPIQPS maxParallelImagePulls maxPods "
        "nodeLeaseDurationSeconds nodeStatusMaxImages oomScoreAdj podsPerCore port readOnlyPort "
        "registryBurst registryPullQPS",
    ),
    **of_type(INT64, "maxOpenFiles podPidsLimit"),
    "memoryThrottlingFactor": FLOAT64,
    **of_type(
        DURATION,
        "containerLogMonitorInterval cpuCFSQuotaPeriod cpuManagerReconcilePeriod "
        "evictionPressureTransitionPeriod fileCheckFrequency httpCheckFrequency imageMaximumGCAge "
        "imageMinimumGCAge nodeStatusReportFrequency nodeStatusUpdateFrequency runtimeRequestTimeout "
        "shutdownGracePeriod shutdownGracePeriodCriticalPods streamingConnectionIdleTimeout syncFrequency "
        "volumeStatsAggPeriod",
    ),
    **of_type(
        ListOf(STRING),
        "allowedUnsafeSysctls clusterDNS enforceNodeAllocatable preloadedImagesVerificationAllowlist "
        "tlsCipherSuites",
    ),
    **of_type(
        MapOf(STRING),
        "cpuManagerPolicyOptions evictionHard evictionMinimumReclaim evictionSoft evictionSoftGracePeriod "
        "kubeReserved qosReserved systemReserved topologyManagerPolicyOptions",
    ),
    "authentication": _AUTHENTICATION,
    "authorization": _AUTHORIZATION,
    "configMapAndSecretChangeDetectionStrategy": named("v1beta1.ResourceChangeDetectionStrategy"),
    "crashLoopBackOff": Struct("v1beta1.CrashLoopBackOffConfig", {"maxContainerRestartPeriod": DURATION}),
    "featureGates": MapOf(BOOL),
    "imagePullCredentialsVerificationPolicy": named("v1beta1.ImagePullCredentialsVerificationPolicy"),
    "logging": LOGGING,
    "memorySwap": Struct("v1beta1.MemorySwapConfiguration", {"swapBehavior": STRING}),
    "registerWithTaints": ListOf(_TAINT),
    "reservedMemory": ListOf(_RESERVATION),
    "shutdownGracePeriodByPodPriority": ListOf(_SHUTDOWN),
    "staticPodURLHeader": MapOf(ListOf(STRING)),
    "tracing": Struct("v1.TracingConfiguration", {"endpoint": STRING, "samplingRatePerMillion": INT32}),
    "userNamespaces": Struct("v1beta1.UserNamespaces", {"idsPerPod": INT64}),
})  # fmt: skip
