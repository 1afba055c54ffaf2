"""KubeSchedulerConfiguration, and what profiles come of it."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from scheduler.config import ConfigError, Configuration, parse_configuration
from tests.unit.scheduler.builders import make_cache, make_profile

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def test_an_empty_configuration_is_the_default() -> None:
    assert parse_configuration(HEAD) == Configuration()


def test_profiles_choose_plugins_and_weights() -> None:
    plugins = {
        "multiPoint": {"disabled": [{"name": "ImageLocality"}]},
        "score": {
            "disabled": [{"name": "InterPodAffinity"}],
            "enabled": [{"name": "NodeResourcesFit", "weight": 7}],
        },
        "postFilter": {"disabled": [{"name": "*"}]},
    }
    config = parse_configuration(
        {**HEAD, "profiles": [{}, {"schedulerName": "other", "plugins": plugins}], "podMaxBackoffSeconds": 30}
    )
    default, other = (make_profile(make_cache(), each) for each in config.profiles)
    assert (default.name, other.name, config.max_backoff) == ("default-scheduler", "other", 30.0)
    assert "ImageLocality" in [each.name for each in default.plugins]
    assert default.preempts
    assert "ImageLocality" not in [each.name for each in other.plugins]
    assert not other.preempts
    weights = {scorer.plugin.name: scorer.weight for scorer in other.scorers}
    assert weights["NodeResourcesFit"] == 7
    assert "InterPodAffinity" not in weights
    assert "InterPodAffinity" in [each.name for each in other.filters]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({"kind": "Pod"}, 'no kind "Pod" is registered for version "None"', id="another kind"),
        pytest.param({**HEAD, "x": 1}, 'strict decoding error: unknown field "x"', id="unknown field"),
        pytest.param(
            {**HEAD, "profiles": [{}, {}]},
            'profiles[1].schedulerName: Duplicate value: "default-scheduler"',
            id="one name twice",
        ),
    ],
)
def test_what_is_not_understood_is_refused(document: Object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_configuration(document)
    assert str(caught.value) == message
