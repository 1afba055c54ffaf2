"""KubeSchedulerConfiguration, and what profiles come of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from apimachinery.objects import Object
from scheduler.config import ConfigError, Configuration, parse_configuration
from scheduler.config_shape import ARGS as ARGS_SHAPES
from scheduler.config_shape import CONFIGURATION
from scheduler.framework.profile import Profile
from scheduler.plugin_args import PluginArgs, ScoringStrategy
from scheduler.plugins.registry import check_plugins
from tests.unit.scheduler.builders import HEAD, make_cache, make_profile
from tests.unit.wrong_types import misshapen

POLICY = {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1}
RATIO = "RequestedToCapacityRatio"


def test_an_empty_configuration_is_the_default() -> None:
    assert parse_configuration(HEAD) == Configuration()


def profile_of(plugins: Object) -> Profile:
    config = parse_configuration({**HEAD, "profiles": [{"plugins": plugins}]})
    return make_profile(make_cache(), config.profiles[0])


def on(*names: str) -> Object:
    return {"enabled": [{"name": each} for each in names]}


def off(*names: str) -> Object:
    return {"disabled": [{"name": each} for each in names]}


def filters(profile: Profile) -> list[str]:
    return [each.name for each in profile.filters]


def weights(profile: Profile) -> dict[str, int]:
    return {each.plugin.name: each.weight for each in profile.scorers}


DEFAULT_FILTERS = [
    "NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit",
    "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread",
    "InterPodAffinity", "DynamicResources",
]  # fmt: skip
DEFAULT_WEIGHTS = {
    "TaintToleration": 3, "NodeAffinity": 2, "NodeResourcesFit": 1, "PodTopologySpread": 2,
    "InterPodAffinity": 2, "NodeResourcesBalancedAllocation": 1, "ImageLocality": 1,
}  # fmt: skip


def without(*names: str) -> list[str]:
    return [each for each in DEFAULT_FILTERS if each not in names]


@pytest.mark.parametrize(
    ("plugins", "wanted"),
    [
        pytest.param({}, DEFAULT_FILTERS, id="the default"),
        pytest.param({"multiPoint": off("NodePorts")}, without("NodePorts"), id="off everywhere"),
        pytest.param({"filter": off("NodePorts")}, without("NodePorts"), id="off where it filters"),
        pytest.param({"score": off("NodeAffinity")}, DEFAULT_FILTERS, id="off where it scores"),
        pytest.param(
            {"filter": off("*") | on("NodePorts", "NodeName")}, ["NodePorts", "NodeName"], id="only these"
        ),
        pytest.param(
            {"multiPoint": off("*") | on("NodeName", "PrioritySort", "DefaultBinder")}, ["NodeName"],
            id="only this one everywhere",
        ),
        pytest.param(
            {"filter": on("NodePorts")}, ["NodePorts", *without("NodePorts")], id="named at its point, first"
        ),
        pytest.param(
            {"multiPoint": off("NodeName") | on("NodeName")}, [*without("NodeName"), "NodeName"],
            id="off and on again, last",
        ),
    ],
)  # fmt: skip
def test_a_profile_chooses_who_filters(plugins: Object, wanted: list[str]) -> None:
    assert filters(profile_of(plugins)) == wanted


@pytest.mark.parametrize(
    ("plugins", "wanted"),
    [
        pytest.param({}, DEFAULT_WEIGHTS, id="the default"),
        pytest.param(
            {"score": {"enabled": [{"name": "ImageLocality", "weight": 7}]}},
            {**DEFAULT_WEIGHTS, "ImageLocality": 7}, id="at its point",
        ),
        pytest.param(
            {"multiPoint": {"enabled": [{"name": "TaintToleration", "weight": 9}]}},
            {**DEFAULT_WEIGHTS, "TaintToleration": 9}, id="everywhere",
        ),
        pytest.param(
            {"multiPoint": on("TaintToleration")}, {**DEFAULT_WEIGHTS, "TaintToleration": 1}, id="none given"
        ),
        pytest.param(
            {"score": off("*") | on("ImageLocality")}, {"ImageLocality": 1}, id="only this one"
        ),
    ],
)  # fmt: skip
def test_a_profile_chooses_who_scores(plugins: Object, wanted: dict[str, int]) -> None:
    assert weights(profile_of(plugins)) == wanted


@pytest.mark.parametrize("point", ["multiPoint", "postFilter"])
@pytest.mark.parametrize("name", ["DefaultPreemption", "*"])
def test_preemption_is_a_plugin_that_can_be_off(point: str, name: str) -> None:
    needed = on("PrioritySort", "DefaultBinder") if point == "multiPoint" else {}
    assert "DefaultPreemption" not in profile_of({point: off(name) | needed}).post_filters
    assert list(profile_of({}).post_filters) == ["DynamicResources", "DefaultPreemption"]


FAILED = "initializing profiles: creating profile for scheduler name default-scheduler: "


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        pytest.param({"filter": on("X")}, 'FilterPlugin "X" does not exist', id="unknown at a point"),
        pytest.param({"multiPoint": on("X")}, 'PreFilterPlugin "X" does not exist', id="unknown"),
        pytest.param(
            {"permit": on("NodeName")}, 'plugin "NodeName" does not extend PermitPlugin plugin',
            id="not at this point",
        ),
        pytest.param(
            {"filter": on("NodeName", "NodeName")},
            'plugin "NodeName" already registered as "FilterPlugin"', id="twice",
        ),
        pytest.param(
            {"queueSort": off("*")},
            'only one queue sort plugin required for profile with scheduler name "default-scheduler", '
            "but got 0", id="nobody sorts",
        ),
        pytest.param(
            {"bind": off("*")},
            'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
            id="nobody binds",
        ),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_be_is_refused(plugins: Object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_plugins(parse_configuration({**HEAD, "profiles": [{"plugins": plugins}]}))
    assert str(caught.value) == FAILED + message


def args_of(plugin: str, args: Object) -> PluginArgs:
    profile = {"pluginConfig": [{"name": plugin, "args": args}]}
    return parse_configuration({**HEAD, "profiles": [profile]}).profiles[0].args


@pytest.mark.parametrize(
    ("plugin", "args", "wanted"),
    [
        ("DefaultPreemption", {}, {}),
        (
            "DefaultPreemption",
            {"kind": "DefaultPreemptionArgs", "minCandidateNodesPercentage": 0},
            {"min_candidates_percent": 0},
        ),
        (
            "InterPodAffinity",
            {"hardPodAffinityWeight": 0, "ignorePreferredTermsOfExistingPods": True},
            {"hard_affinity_weight": 0, "ignores_preferences_of_others": True},
        ),
        (
            "NodeResourcesBalancedAllocation",
            {"resources": [{"name": "cpu"}]},
            {"balanced_resources": ("cpu",)},
        ),
        (
            "NodeResourcesFit",
            {
                "ignoredResources": ["a.b/c"],
                "ignoredResourceGroups": ["d.e"],
                "scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 3}]},
            },
            {
                "ignored_resources": frozenset({"a.b/c"}),
                "ignored_groups": frozenset({"d.e"}),
                "scoring": ScoringStrategy("MostAllocated", (("cpu", 3),)),
            },
        ),
        ("PodTopologySpread", {"defaultingType": "List"}, {"default_constraints": ()}),
        ("VolumeBinding", {"bindTimeoutSeconds": 0}, {"bind_seconds": 0.0}),
        ("Somebodys", {"own": "args"}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_plugins_have_their_args(plugin: str, args: Object, wanted: dict[str, Any]) -> None:
    assert args_of(plugin, args) == PluginArgs(**wanted)


def shape(*points: tuple[int, int]) -> Object:
    told = [{"utilization": x, "score": y} for x, y in points]
    return {"scoringStrategy": {"type": RATIO, "requestedToCapacityRatio": {"shape": told}}}


ARGS = "profiles[0].pluginConfig[0].args"


@pytest.mark.parametrize(
    ("plugin", "args", "message"),
    [
        (
            "DefaultPreemption", {"minCandidateNodesPercentage": 101},
            "minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            "DefaultPreemption", {"minCandidateNodesAbsolute": -1},
            "minCandidateNodesAbsolute: Invalid value: -1: not in valid range [0, inf)",
        ),
        (
            "InterPodAffinity", {"hardPodAffinityWeight": 101},
            "hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            "NodeResourcesBalancedAllocation", {"resources": [{"name": "cpu", "weight": 2}]},
            "resources[0].weight: Invalid value: 2: must be 1",
        ),
        (
            "NodeResourcesFit", {"ignoredResourceGroups": ["a.b/c"]},
            "ignoredResourceGroups[0]: Invalid value: \"a.b/c\": resource group name can't contain '/'",
        ),
        (
            "NodeResourcesFit", {"scoringStrategy": {"type": "X"}},
            'scoringStrategy.type: Unsupported value: "X": supported values: "LeastAllocated", '
            '"MostAllocated", "RequestedToCapacityRatio"',
        ),
        (
            "NodeResourcesFit", {"scoringStrategy": {"resources": [{"name": "cpu", "weight": 101}]}},
            "scoringStrategy.resources[0].weight: Invalid value: 101: "
            "resource weight of cpu not in valid range (0, 100]",
        ),
        (
            "NodeResourcesFit", {"scoringStrategy": {"type": RATIO}},
            "scoringStrategy.requestedToCapacityRatio: Required value: "
            f"must be specified when type is {RATIO}",
        ),
        (
            "NodeResourcesFit", shape(),
            "scoringStrategy.requestedToCapacityRatio.shape: Required value: "
            "at least one point must be specified",
        ),
        (
            "NodeResourcesFit", shape((50, 1), (50, 2)),
            "scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 50: "
            "values must be sorted in increasing order",
        ),
        (
            "NodeResourcesFit", shape((0, 11)),
            "scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: "
            "not in valid range [0, 10]",
        ),
        (
            "PodTopologySpread", {"defaultConstraints": [POLICY]},
            'defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
        ),
        (
            "PodTopologySpread", {"defaultingType": "List", "defaultConstraints": [{**POLICY, "maxSkew": 0}]},
            "defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)",
        ),
        (
            "PodTopologySpread",
            {"defaultingType": "List", "defaultConstraints": [{**POLICY, "labelSelector": {}}]},
            "defaultConstraints[0].labelSelector: Forbidden: "
            "constraint must not define a selector, as they deduced for each pod",
        ),
        (
            "PodTopologySpread", {"defaultingType": "List", "defaultConstraints": [POLICY, POLICY]},
            'defaultConstraints[1]: Duplicate value: "{zone, ScheduleAnyway}"',
        ),
        (
            "VolumeBinding", {"bindTimeoutSeconds": -1},
            "bindTimeoutSeconds: Invalid value: -1: "
            "invalid BindTimeoutSeconds, should not be a negative value",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_args_that_make_no_sense_are_refused(plugin: str, args: Object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        args_of(plugin, args)
    assert str(caught.value) == f"{ARGS}.{message}"


PLACE = "decoding .profiles[0].pluginConfig[0]: "


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(
            {"apiVersion": "v1", "kind": "Pod"}, 'no kind "Pod" is registered for version "v1"', id="a Pod"
        ),
        pytest.param({**HEAD, "x": 1}, 'strict decoding error: unknown field "x"', id="unknown field"),
        pytest.param(
            {**HEAD, "profiles": [{"plugins": {"filtre": {}}}]},
            'strict decoding error: unknown field "profiles[0].plugins.filtre"', id="unknown field below",
        ),
        pytest.param(
            {**HEAD, "parallelism": "many"},
            "json: cannot unmarshal string into Go struct field "
            "KubeSchedulerConfiguration.parallelism of type int32", id="another type",
        ),
        pytest.param(
            {**HEAD, "profiles": [{"pluginConfig": [{"name": "NodeAffinity", "args": {"x": 1}}]}]},
            f"{PLACE}decoding args for plugin NodeAffinity: strict decoding error: "
            'unknown field "x"', id="unknown arg",
        ),
        pytest.param(
            {**HEAD, "profiles": [{"pluginConfig": [{"name": "NodeAffinity", "args": {"kind": "X"}}]}]},
            f"{PLACE}args for plugin NodeAffinity were not of type "
            "NodeAffinityArgs.kubescheduler.config.k8s.io, got X.kubescheduler.config.k8s.io",
            id="args of another plugin",
        ),
        pytest.param(
            {**HEAD, "profiles": [{"schedulerName": "a"}, {"schedulerName": "a"}]},
            'profiles[1].schedulerName: Duplicate value: "a"', id="one name twice",
        ),
        pytest.param(
            {**HEAD, "profiles": [{"schedulerName": "a"}, {}]},
            "profiles[1].schedulerName: Required value", id="no name",
        ),
        pytest.param(
            {**HEAD, "percentageOfNodesToScore": 101, "parallelism": 0},
            "[parallelism: Invalid value: 0: should be an integer value greater than zero, "
            "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]]", id="two mistakes",
        ),
        pytest.param(
            {**HEAD, "podInitialBackoffSeconds": 20},
            "podMaxBackoffSeconds: Invalid value: 10: "
            "must be greater than or equal to PodInitialBackoffSeconds", id="back-off upside down",
        ),
        pytest.param(
            {**HEAD, "leaderElection": {"leaseDuration": "5s"}},
            'leaderElection.leaseDuration: Invalid value: "10s": '
            "LeaseDuration must be greater than RenewDeadline", id="a lease too short to renew",
        ),
        pytest.param(
            {**HEAD, "leaderElection": {"resourceLock": "endpoints"}},
            'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
            id="a lock that there is not any more",
        ),
        pytest.param(
            {**HEAD, "extenders": [{"urlPrefix": "http://e", "prioritizeVerb": "p"}]},
            "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it",
            id="an extender without weight",
        ),
        pytest.param(
            {**HEAD, "extenders": [{"urlPrefix": "http://e", "managedResources": [{"name": "cpu"}]}]},
            'extenders[0].managedResources[0].name: Invalid value: "cpu": '
            "is an invalid extended resource name", id="an extender for cpu",
        ),
        pytest.param(
            {**HEAD, "extenders": [{"bindVerb": "b"}, {"bindVerb": "b"}]},
            'extenders: Invalid value: "found 2 extenders implementing bind": '
            "only one extender can implement bind", id="two that bind",
        ),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(document: Object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_configuration(document)
    assert str(caught.value) == message


def test_nothing_of_a_wrong_type_is_more_than_refused() -> None:
    for each in misshapen(CONFIGURATION):
        with suppress(ConfigError):
            check_plugins(parse_configuration({**HEAD, **each} if isinstance(each, dict) else each))


@pytest.mark.parametrize("plugin", ARGS_SHAPES)
def test_no_args_of_a_wrong_type_are_more_than_refused(plugin: str) -> None:
    for each in misshapen(ARGS_SHAPES[plugin]):
        with suppress(ConfigError):
            args_of(plugin, each)


def test_how_often_the_apiserver_may_be_asked() -> None:
    config = parse_configuration({**HEAD, "clientConnection": {"qps": 5, "burst": 9}})
    assert (config.qps, config.burst) == (5, 9)
