"""The default imagePullPolicy follows the image's tag."""

import pytest

from apiserver.registry.strategies.podspec.defaults import pull_policy

DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("busybox:1.36", "IfNotPresent"),
        ("localhost:5000/team/app", "Always"),
        ("localhost:5000/team/app:v1", "IfNotPresent"),
        (f"busybox{DIGEST}", "IfNotPresent"),
        (f"busybox:latest{DIGEST}", "IfNotPresent"),
        pytest.param("Not A Name", "IfNotPresent", id="a name that cannot be parsed"),
    ],
)
def test_the_policy_of_an_image(image: str, policy: str) -> None:
    assert pull_policy(image) == policy
