"""What metrics call the queues of controllers."""

from __future__ import annotations

from collections import Counter

from controller_manager.queue_names import QUEUE_NAMES, queue_name
from controller_manager.table import CONTROLLERS


def test_every_name_is_a_controllers_and_no_two_queues_share_one() -> None:
    controllers = {row.name for row in CONTROLLERS}
    assert QUEUE_NAMES.keys() <= controllers
    names = Counter(map(queue_name, controllers))
    assert [name for name, times in names.items() if times > 1] == []
