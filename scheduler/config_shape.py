"""The fields of KubeSchedulerConfiguration and of plugins' args."""

from __future__ import annotations

from collections.abc import Mapping

from component_base.config_shape import (
    ANY,
    BOOL,
    BYTES,
    CLIENT_CONNECTION,
    DURATION,
    INT32,
    INT64,
    LEADER_ELECTION,
    STRING,
    ListOf,
    MapOf,
    Shape,
    Struct,
    named,
    of_type,
)

_PLUGINS = ListOf(Struct("v1.Plugin", {"name": STRING, "weight": INT32}))
_PLUGIN_SET = Struct("v1.PluginSet", {"enabled": _PLUGINS, "disabled": _PLUGINS})
POINTS = (
    "preFilter", "filter", "postFilter", "reserve", "preScore", "score", "preBind", "bind", "postBind",
    "permit", "preEnqueue", "queueSort",
)  # fmt: skip
_PROFILE = Struct("v1.KubeSchedulerProfile", {
    "schedulerName": STRING,
    "percentageOfNodesToScore": INT32,
    "plugins": Struct("v1.Plugins", dict.fromkeys((*POINTS, "multiPoint"), _PLUGIN_SET)),
    "pluginConfig": ListOf(Struct("v1.PluginConfig", {"name": STRING, "args": ANY})),
})  # fmt: skip
_EXTENDER = Struct("v1.Extender", {
    **of_type(STRING, "urlPrefix filterVerb preemptVerb prioritizeVerb bindVerb"),
    **of_type(BOOL, "enableHTTPS nodeCacheCapable ignorable"),
    "weight": INT64,
    "httpTimeout": DURATION,
    "managedResources": ListOf(
        Struct("v1.ExtenderManagedResource", {"name": STRING, "ignoredByScheduler": BOOL})
    ),
    "tlsConfig": Struct("v1.ExtenderTLSConfig", {
        "insecure": BOOL,
        **of_type(STRING, "serverName certFile keyFile caFile"),
        **of_type(BYTES, "certData keyData caData"),
    }),
})  # fmt: skip
CONFIGURATION = Struct("v1.KubeSchedulerConfiguration", {
    **of_type(STRING, "apiVersion kind"),
    "clientConnection": CLIENT_CONNECTION,
    "leaderElection": LEADER_ELECTION,
    **of_type(INT64, "podInitialBackoffSeconds podMaxBackoffSeconds"),
    "percentageOfNodesToScore": INT32,
    "profiles": ListOf(_PROFILE),
    "extenders": ListOf(_EXTENDER),
    "parallelism": INT32,
    **of_type(BOOL, "delayCacheUntilActive enableProfiling enableContentionProfiling"),
})  # fmt: skip

_EXPRESSION = Struct(
    "v1.NodeSelectorRequirement",
    {"key": STRING, "operator": named("v1.NodeSelectorOperator"), "values": ListOf(STRING)},
)
_TERM = Struct("v1.NodeSelectorTerm", of_type(ListOf(_EXPRESSION), "matchExpressions matchFields"))
_NODE_AFFINITY = Struct("v1.NodeAffinity", {
    "requiredDuringSchedulingIgnoredDuringExecution": Struct(
        "v1.NodeSelector", {"nodeSelectorTerms": ListOf(_TERM)}
    ),
    "preferredDuringSchedulingIgnoredDuringExecution": ListOf(
        Struct("v1.PreferredSchedulingTerm", {"weight": INT32, "preference": _TERM})
    ),
})  # fmt: skip
_LABEL_SELECTOR = Struct("v1.LabelSelector", {
    "matchLabels": MapOf(STRING),
    "matchExpressions": ListOf(Struct(
        "v1.LabelSelectorRequirement",
        {"key": STRING, "operator": named("v1.LabelSelectorOperator"), "values": ListOf(STRING)},
    )),
})  # fmt: skip
_SPREAD_CONSTRAINT = Struct("v1.TopologySpreadConstraint", {
    **of_type(INT32, "maxSkew minDomains"),
    "topologyKey": STRING,
    "whenUnsatisfiable": named("v1.UnsatisfiableConstraintAction"),
    "labelSelector": _LABEL_SELECTOR,
    **of_type(named("v1.NodeInclusionPolicy"), "nodeAffinityPolicy nodeTaintsPolicy"),
    "matchLabelKeys": ListOf(STRING),
})  # fmt: skip
_SHAPE = ListOf(Struct("v1.UtilizationShapePoint", of_type(INT32, "utilization score")))
_RESOURCES = ListOf(Struct("v1.ResourceSpec", {"name": STRING, "weight": INT64}))
_ARGS: Mapping[str, Mapping[str, Shape]] = {
    "DefaultPreemption": of_type(INT32, "minCandidateNodesPercentage minCandidateNodesAbsolute"),
    "DynamicResources": {"filterTimeout": DURATION},
    "InterPodAffinity": {"hardPodAffinityWeight": INT32, "ignorePreferredTermsOfExistingPods": BOOL},
    "NodeAffinity": {"addedAffinity": _NODE_AFFINITY},
    "NodeResourcesBalancedAllocation": {"resources": _RESOURCES},
    "NodeResourcesFit": {
        **of_type(ListOf(STRING), "ignoredResources ignoredResourceGroups"),
        "scoringStrategy": Struct("v1.ScoringStrategy", {
            "type": named("v1.ScoringStrategyType"),
            "resources": _RESOURCES,
            "requestedToCapacityRatio": Struct("v1.RequestedToCapacityRatioParam", {"shape": _SHAPE}),
        }),
    },
    "PodTopologySpread": {
        "defaultConstraints": ListOf(_SPREAD_CONSTRAINT),
        "defaultingType": named("v1.PodTopologySpreadConstraintsDefaulting"),
    },
    "VolumeBinding": {"bindTimeoutSeconds": INT64, "shape": _SHAPE},
}  # fmt: skip
ARGS: Mapping[str, Struct] = {
    plugin: Struct(f"v1.{plugin}Args", {**of_type(STRING, "apiVersion kind"), **fields})
    for plugin, fields in _ARGS.items()
}
