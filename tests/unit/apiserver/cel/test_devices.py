"""Which devices an expression chooses."""

import pytest

from apimachinery.objects import Object
from apiserver.cel.devices import compile_selector
from apiserver.cel.environment import EvaluationError

DRIVER = "gpu.example.com"
DEVICE: Object = {
    "name": "gpu-0",
    "attributes": {
        "model": {"string": "a100"},
        "slots": {"int": 4},
        "fast": {"bool": True},
        "firmware": {"version": "1.10.0"},
        "other.example.com/rack": {"string": "r1"},
    },
    "capacity": {"memory": {"value": "40Gi"}},
}
OWN = f'device.attributes["{DRIVER}"]'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f'device.driver == "{DRIVER}"', True),
        (f'{OWN}.model == "a100" && {OWN}.slots > 3 && {OWN}.fast', True),
        ('device.attributes["other.example.com"].rack == "r1"', True),
        (f'{OWN}.firmware.isGreaterThan(semver("1.9.0"))', True),
        (f'device.capacity["{DRIVER}"].memory.compareTo(quantity("41Gi")) >= 0', False),
        (f'device.capacity["{DRIVER}"].memory == quantity("40960Mi")', True),
        ('"rack" in device.attributes["other.example.com"]', True),
        ('has(device.attributes["unknown.example.com"].rack)', False),
        ('"unknown.example.com" in device.attributes', False),
        (f'cel.bind(own, {OWN}, own.model == "a100" && own.slots == 4)', True),
    ],
)
def test_selection(expression: str, expected: bool) -> None:
    assert compile_selector(expression).matches(DRIVER, DEVICE) == expected


def test_an_attribute_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no such key: size"):
        compile_selector(f"{OWN}.size == 1").matches(DRIVER, DEVICE)
