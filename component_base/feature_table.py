"""The feature gates of Kubernetes 1.34: stage and default of each. Data only.

Those that do something here are named in docs/deviations.md; the others may be set and change nothing.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/test/compatibility_lifecycle/reference/versioned_feature_list.yaml
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """As the metric kubernetes_feature_enabled names it."""

    ALPHA = "ALPHA"
    BETA = "BETA"
    GA = ""
    DEPRECATED = "DEPRECATED"


class Feature(NamedTuple):
    default: bool
    stage: Stage
    locked: bool = False
    """Whether nothing but the default may be asked for."""


_ALPHA = """
    APIServingWithRoutine AllowUnsafeMalformedObjectDeletion CBORServingAndStorage
    CPUManagerPolicyAlphaOptions CSIVolumeHealth ClearingNominatedNodeNameAfterBinding ClientsAllowCBOR
    ClientsPreferCBOR CloudControllerManagerWebhook ComponentFlagz ComponentStatusz ContainerRestartRules
    ContainerStopSignals CrossNamespaceVolumeDataSource CustomCPUCFSQuotaPeriod DRAConsumableCapacity
    DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource DRAPartitionableDevices
    DeploymentReplicaSetTerminatingReplicas EnvFiles EventedPLEG HPAConfigurableTolerance HPAScaleToZero
    HostnameOverride InPlacePodVerticalScalingExclusiveCPUs InPlacePodVerticalScalingExclusiveMemory
    InTreePluginPortworxUnregister InformerResourceVersion KubeletCrashLoopBackOffMax
    KubeletEnsureSecretPulledImages KubeletInUserNamespace LoggingAlphaOptions MaxUnavailableStatefulSet
    MemoryQoS NominatedNodeNameForExpectation PodAndContainerStatsFromCRI PodCertificateRequest
    PodLogsQuerySplitStreams PodTopologyLabelsAdmission QOSReserved ReduceDefaultCrashLoopBackOffDecay
    RelaxedServiceNameValidation ResourceHealthStatus RuntimeClassInImageCriApi StorageCapacityScoring
    StorageVersionAPI StorageVersionMigrator StrictIPCIDRValidation TopologyManagerPolicyAlphaOptions
    UnknownVersionInteroperabilityProxy UserNamespacesPodSecurityStandards WindowsCPUAndMemoryAffinity
"""

_BETA_OFF = """
    ClusterTrustBundle ClusterTrustBundleProjection ConcurrentWatchObjectDecode CoordinatedLeaderElection
    DeclarativeValidationTakeover ImageVolume LocalStorageCapacityIsolationFSQuotaMonitoring
    MutableCSINodeAllocatableCount MutatingAdmissionPolicy NodeLogQuery SELinuxMount
    WatchCacheInitializationPostStartHook WatchListClient
"""

_BETA_ON = """
    APIResponseCompression APIServerIdentity AllowParsingUserUIDFromCertAuth CPUManagerPolicyBetaOptions
    ContainerCheckpoint ContextualLogging DRAAdminAccess DRAPrioritizedList DRAResourceClaimDeviceStatus
    DRASchedulerFilterTimeout DeclarativeValidation DetectCacheInconsistency
    DisableCPUQuotaWithExclusiveCPUs ExternalServiceAccountTokenSigner GracefulNodeShutdown
    GracefulNodeShutdownBasedOnPodPriority ImageMaximumGCAge InOrderInformers InPlacePodVerticalScaling
    JobManagedBy KubeletFineGrainedAuthz KubeletPSI KubeletPodResourcesDynamicResources
    KubeletPodResourcesGet KubeletSeparateDiskGC KubeletServiceAccountTokenForCredentialProviders
    ListFromCacheSnapshot LoggingBetaOptions MatchLabelKeysInPodTopologySpread
    MatchLabelKeysInPodTopologySpreadSelectorMerge OpenAPIEnums PodDeletionCost PodLevelResources
    PodObservedGenerationTracking PodReadyToStartContainersCondition PortForwardWebsockets
    PreferSameTrafficDistribution PreventStaticPodAPIReferences ProcMountType
    ReloadKubeletServerCertificateFile RemoteRequestHeaderUID RotateKubeletServerCertificate
    SELinuxChangePolicy SELinuxMountReadWriteOncePod SchedulerAsyncAPICalls SchedulerAsyncPreemption
    SchedulerPopFromBackoffQ ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate
    StorageVersionHash StructuredAuthenticationConfigurationEgressSelector SupplementalGroupsPolicy
    SystemdWatchdog TokenRequestServiceAccountUIDValidation TopologyManagerPolicyBetaOptions
    TranslateStreamCloseWebsocketRequests UnauthenticatedHTTP2DOSMitigation UserNamespacesSupport WatchList
    WindowsGracefulNodeShutdown
"""

_GA_LOCKED = """
    AnonymousAuthConfigurableEndpoints AnyVolumeDataSource AuthorizeNodeWithSelectors AuthorizeWithSelectors
    BtreeWatchCache CPUManagerPolicyOptions CRDValidationRatcheting CSIMigrationPortworx ComponentSLIs
    ConsistentListFromCache CronJobsScheduledAnnotation CustomResourceFieldSelectors DevicePluginCDIDevices
    HonorPVReclaimPolicy JobBackoffLimitPerIndex JobPodReplacementPolicy JobSuccessPolicy
    KubeletCgroupDriverFromCRI KubeletTracing LoadBalancerIPMode LogarithmicScaleDown
    MatchLabelKeysInPodAffinity MemoryManager MultiCIDRServiceAllocator NFTablesProxyMode
    NodeInclusionPolicyInPodTopologySpread NodeSwap OrderedNamespaceDeletion PodIndexLabel
    PodLifecycleSleepAction PodLifecycleSleepActionAllowZero PodSchedulingReadiness
    RecoverVolumeExpansionFailure RecursiveReadOnlyMounts RelaxedDNSSearchValidation
    RelaxedEnvironmentVariableValidation ResilientWatchCacheInitialization RetryGenerateName
    SchedulerQueueingHints SeparateTaintEvictionController ServiceAccountTokenJTI
    ServiceAccountTokenNodeBinding ServiceAccountTokenNodeBindingValidation ServiceAccountTokenPodNodeInfo
    ServiceTrafficDistribution SidecarContainers SizeMemoryBackedVolumes StatefulSetAutoDeletePVC
    StreamingCollectionEncodingToJSON StreamingCollectionEncodingToProtobuf StrictCostEnforcementForVAP
    StrictCostEnforcementForWebhooks StructuredAuthenticationConfiguration
    StructuredAuthorizationConfiguration TopologyAwareHints VolumeAttributesClass WinDSR WinOverlay
"""

_GA_ON = "DisableAllocatorDualWrite DynamicResourceAllocation ExecProbeTimeout TopologyManagerPolicyOptions"

_DEPRECATED_OFF = """
    AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests
    AllowOverwriteTerminationGracePeriodSeconds GitRepoVolumeDriver InPlacePodVerticalScalingAllocatedStatus
    KMSv1 KubeletRegistrationGetOnExistsOnly LegacySidecarContainers SeparateCacheWatchRPC
    WindowsHostNetwork
"""

_DEPRECATED_ON = """
    AggregatedDiscoveryRemoveBetaType DisableNodeKubeProxyVersion KubeletPodResourcesListUseActivePods
    StorageNamespaceIndex
"""

_DEPRECATED_LOCKED = "AllowServiceLBStatusOnNonLB WatchFromStorageWithoutResourceVersion"


def _features() -> Iterator[tuple[str, Feature]]:
    yield "AllAlpha", Feature(False, Stage.ALPHA)
    yield "AllBeta", Feature(False, Stage.BETA)
    for names, feature in (
        (_ALPHA, Feature(False, Stage.ALPHA)),
        (_BETA_OFF, Feature(False, Stage.BETA)),
        (_BETA_ON, Feature(True, Stage.BETA)),
        (_GA_ON, Feature(True, Stage.GA)),
        (_GA_LOCKED, Feature(True, Stage.GA, locked=True)),
        (_DEPRECATED_OFF, Feature(False, Stage.DEPRECATED)),
        (_DEPRECATED_ON, Feature(True, Stage.DEPRECATED)),
        (_DEPRECATED_LOCKED, Feature(False, Stage.DEPRECATED, locked=True)),
    ):
        yield from ((name, feature) for name in names.split())


FEATURES: Mapping[str, Feature] = dict(_features())
