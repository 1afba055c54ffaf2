"""The cells of tables, of kinds that have columns of their own."""

from __future__ import annotations

import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from tests.fakes.strategies import strategy_for
from tests.unit.apiserver.strategies.objects import NOW, make, strategy


@pytest.mark.parametrize("resource", scheme.BUILTIN, ids=lambda r: f"{r.group or 'core'}/{r.plural}")
def test_every_row_has_a_cell_for_each_column(resource: Resource) -> None:
    rules = strategy_for(resource)
    obj = make(resource, spec={}, roleRef={"kind": "Role", "name": "r"})
    rules.default(obj)
    obj.setdefault("status", {})
    assert len(rules.cells(obj, NOW)) == len(rules.columns)
    assert all(isinstance(value, str) for value in rules.selectable_fields({}).values())


GONE = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
EXPRESSION = {"key": "b", "operator": "In", "values": ["y", "x"]}
SELECTOR = {"matchLabels": {"c": "1", "a": "2"}, "matchExpressions": [EXPRESSION]}


@pytest.mark.parametrize(
    ("resource", "fields", "expected"),
    [
        pytest.param(
            scheme.NETWORK_POLICIES,
            {"spec": {"podSelector": SELECTOR}},
            {"Pod-Selector": "a=2,b in (x,y),c=1"},
            id="a selector by keys",
        ),
        pytest.param(
            scheme.VALIDATING_ADMISSION_POLICY_BINDINGS,
            {"spec": {"paramRef": {"selector": SELECTOR, "namespace": "n"}}},
            {
                "ParamRef": "&LabelSelector{MatchLabels:map[string]string{a: 2,c: 1,},MatchExpressions:"
                "[]LabelSelectorRequirement{LabelSelectorRequirement{Key:b,Operator:In,Values:[y x],},},}"
            },
            id="many parameters",
        ),
        pytest.param(
            scheme.VALIDATING_ADMISSION_POLICY_BINDINGS,
            {"spec": {"paramRef": {"name": "p"}}},
            {"ParamRef": "*/p"},
            id="one parameter",
        ),
        pytest.param(
            scheme.INGRESSES,
            {"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}, "spec": {}},
            {"Class": "<none>"},
            id="a class in the old way",
        ),
        pytest.param(
            scheme.PRIORITY_LEVEL_CONFIGURATIONS,
            {"spec": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 3}}},
            {"NominalConcurrencyShares": "<none>"},
            id="no limits",
        ),
        pytest.param(scheme.RESOURCE_CLAIMS, GONE, {"State": "deleted"}, id="a claim that goes unallocated"),
        pytest.param(
            scheme.RESOURCE_CLAIMS,
            {**GONE, "status": {"allocation": {}, "reservedFor": [{}]}},
            {"State": "deleted,allocated,reserved"},
            id="a claim that goes",
        ),
        pytest.param(
            scheme.ENDPOINT_SLICES,
            {"ports": [{"name": "web"}, {"port": 1}, {}]},
            {"Ports": "web,1,*"},
            id="named ports",
        ),
        pytest.param(scheme.IP_ADDRESSES, {"spec": {}}, {"ParentRef": "<none>", "Age": None}, id="an orphan"),
        pytest.param(
            scheme.VOLUME_ATTRIBUTES_CLASSES,
            {
                "metadata": {
                    "annotations": {"volumeattributesclass.alpha.kubernetes.io/is-default-class": "true"}
                }
            },
            {"Name": "a (default)"},
            id="the default attributes",
        ),
        pytest.param(
            scheme.RESOURCE_QUOTAS,
            {"status": {"hard": {"limits.cpu": "1", "limits": "2"}}},
            {"Request": "limits: 0/2", "Limit": "limits.cpu: 0/1"},
            id="what limits are",
        ),
        pytest.param(scheme.CSI_STORAGE_CAPACITIES, {}, {"NodeTopology": None}, id="no topology"),
    ],
)
def test_cells_are_those_of_upstream(resource: Resource, fields: Object, expected: Object) -> None:
    rules = strategy(resource)
    cells = rules.cells(make(resource, **fields), NOW)
    shown = {column.name: cell for column, cell in zip(rules.columns, cells, strict=True)}
    assert {name: shown.get(name) for name in expected} == expected
