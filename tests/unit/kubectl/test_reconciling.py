"""What `auth reconcile` plans for roles and bindings, and how it tells of it."""

from typing import Any

import pytest

from apimachinery.well_known import RBAC_AUTOUPDATE
from kubectl.reconciling import Operation, plan, report

READ = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
GET = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
LIST = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}
JANE = {"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
JOE = {"kind": "User", "name": "joe", "apiGroup": "rbac.authorization.k8s.io"}


def role(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "r"}, "rules": list(rules), **more}


def binding(*subjects: dict[str, Any], to: str = "r", **metadata: Any) -> dict[str, Any]:
    reference = {"kind": "Role", "name": to}
    return {"metadata": {"name": "b", **metadata}, "roleRef": reference, "subjects": list(subjects)}


@pytest.mark.parametrize(
    ("existing", "wanted", "remove_extra", "operation", "key", "left"),
    [
        (None, role(READ), False, "create", "rules", [READ]),
        (role(GET), role(READ), False, "update", "rules", [GET, LIST]),
        (role(READ), role(GET), False, "none", "rules", [READ]),
        (role(READ), role(GET), True, "update", "rules", [GET]),
        (role({**READ, "verbs": ["*"]}), role(READ), False, "none", "rules", [{**READ, "verbs": ["*"]}]),
        (binding(JANE), binding(JOE), False, "update", "subjects", [JANE, JOE]),
        (binding(JANE, JOE), binding(JOE), False, "none", "subjects", [JANE, JOE]),
        (binding(JANE, JOE), binding(JOE), True, "update", "subjects", [JOE]),
        (binding(JANE), binding(JOE, to="other"), False, "recreate", "subjects", [JOE]),
    ],
)
def test_roles_and_bindings_come_to_hold_what_is_wanted(
    existing: Any, wanted: Any, remove_extra: bool, operation: str, key: str, left: Any
) -> None:
    planned = plan(existing, wanted, remove_extra=remove_extra)
    assert (planned.operation, planned.obj[key]) == (operation, left)


def test_selectors_are_added_and_an_aggregation_that_is_not_wanted_goes() -> None:
    first, second = ({"matchLabels": {name: "b"}} for name in "ac")
    existing = role(aggregationRule={"clusterRoleSelectors": [first]})
    added = plan(existing, role(aggregationRule={"clusterRoleSelectors": [second]}), remove_extra=False)
    assert added.obj["aggregationRule"] == {"clusterRoleSelectors": [first, second]}
    assert "aggregationRule" not in plan(existing, role(), remove_extra=False).obj


def test_what_opted_out_is_told_so() -> None:
    existing = binding(JANE, annotations={RBAC_AUTOUPDATE: "false"})
    planned = plan(existing, binding(JOE), remove_extra=True)
    assert (planned.protected, planned.operation) == (True, Operation.UPDATE)
    assert report(planned, remove_extra=True).splitlines() == [
        f"\treconciliation required update, but object opted out ({RBAC_AUTOUPDATE}: false)",
        "\tmissing subjects added:",
        "\t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:joe Namespace:}",
        "\textra subjects removed:",
        "\t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:jane Namespace:}",
    ]
