"""Feature gates: 1.34's defaults, what may be asked for, and upstream's words for what may not."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from component_base.features import FeatureGateError, FeatureGates, parse_gates
from component_base.metrics import tell_features


@pytest.mark.parametrize(
    ("given", "name", "enabled"),
    [
        pytest.param({}, "ContainerStopSignals", False, id="alpha features are off"),
        pytest.param({}, "PodLevelResources", True, id="beta features may be on"),
        pytest.param({}, "ImageVolume", False, id="beta features may be off"),
        pytest.param({}, "SidecarContainers", True, id="what is stable is on"),
        pytest.param({"ImageVolume": "true"}, "ImageVolume", True, id="asked for"),
        pytest.param({"kube:ImageVolume": "1"}, "ImageVolume", True, id="asked for of the component kube"),
        pytest.param({"PodLevelResources": False}, "PodLevelResources", False, id="switched off by a file"),
        pytest.param({"AllAlpha": "true"}, "ContainerStopSignals", True, id="all that is alpha"),
        pytest.param({"AllAlpha": "true"}, "ImageVolume", False, id="all that is alpha is not what is beta"),
        pytest.param({"AllBeta": "true"}, "ImageVolume", True, id="all that is beta"),
        pytest.param({"AllBeta": "false"}, "PodLevelResources", False, id="nothing that is beta"),
        pytest.param(
            {"EnvFiles": "false", "AllAlpha": "true"}, "EnvFiles", False, id="one name beats all of them"
        ),
        pytest.param({"SidecarContainers": "true"}, "SidecarContainers", True, id="locked, and so it is"),
    ],
)
def test_a_gate_is_what_was_asked_for_or_the_default(
    given: dict[str, str | bool], name: str, enabled: bool
) -> None:
    assert parse_gates(given).enabled(name) is enabled


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"NoSuchFeature": "true"}, "unrecognized feature gate: NoSuchFeature"),
        ({"ImageVolume": ""}, "missing bool value for ImageVolume"),
        (
            {"ImageVolume": "yes"},
            'invalid value of ImageVolume=yes, err: strconv.ParseBool: parsing "yes": invalid syntax',
        ),
        (
            {"SidecarContainers": "false"},
            "cannot set feature gate SidecarContainers to false, feature is locked to true",
        ),
    ],
)
def test_what_may_not_be_asked_for_is_refused_in_upstreams_words(given: dict[str, str], message: str) -> None:
    with pytest.raises(FeatureGateError) as refused:
        parse_gates(given)
    assert str(refused.value) == message


def test_metrics_tell_every_gate_with_its_stage() -> None:
    tell_features(FeatureGates({"ImageVolume": True}))

    def told(name: str, stage: str) -> float | None:
        return REGISTRY.get_sample_value("kubernetes_feature_enabled", {"name": name, "stage": stage})

    assert told("ImageVolume", "BETA") == 1
    assert told("EnvFiles", "ALPHA") == 0
    assert told("SidecarContainers", "") == 1
    tell_features(FeatureGates())
