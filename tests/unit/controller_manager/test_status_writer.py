"""When a status has to be written, as a table."""

import pytest

from apimachinery.objects import Object
from controller_manager.status_writer import differs


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param(
            {"replicas": 0}, {"replicas": 0, "readyReplicas": 0}, False, id="absent counts equal zero"
        ),
        pytest.param({"replicas": 1}, None, True, id="there was none"),
        pytest.param({}, None, False, id="nothing to say"),
        pytest.param({"replicas": 1}, {"replicas": 1, "conditions": [{}]}, True, id="something is gone"),
    ],
)
def test_a_status_is_written_where_it_differs(new: Object, old: Object | None, expected: bool) -> None:
    assert differs(new, old) is expected
