"""What is counted of the conditions under which webhooks are called, and policies apply."""

from __future__ import annotations

import pytest

from apiserver.admission.condition_metrics import PolicyConditions, WebhookConditions
from tests.unit.counting import Counting

PREFIX = "apiserver_admission_match_condition_"


@pytest.mark.parametrize(
    ("may_change", "evaluation", "exclusion"), [(True, "admit", "admit"), (False, "validating", "validate")]
)
def test_labels_of_webhooks_are_upstreams(may_change: bool, evaluation: str, exclusion: str) -> None:
    counting, told = Counting(), WebhookConditions("w.example.com", "CREATE", may_change=may_change)
    told.unmet(0.5, 2)
    told.excluded()

    def more(series: str, kind: str) -> float:
        labels = {"name": "w.example.com", "kind": "webhook", "type": kind, "operation": "CREATE"}
        return counting.more(PREFIX + series, **labels)

    assert more("evaluation_errors_total", evaluation) == 2
    assert more("evaluation_seconds_sum", evaluation) == 0.5
    assert more("exclusions_total", exclusion) == 1


def test_labels_of_policies_are_upstreams() -> None:
    counting = Counting()
    PolicyConditions("p", "UPDATE").unmet(0.5, 1)
    labels = {"name": "p", "kind": "policy", "type": "validate", "operation": "UPDATE"}
    assert counting.more(PREFIX + "evaluation_errors_total", **labels) == 1
    assert counting.more(PREFIX + "evaluation_seconds_sum", **labels) == 0.5
