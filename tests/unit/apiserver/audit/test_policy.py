"""Audit policies: which rule a request meets, and policies that cannot be served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apiserver.audit.policy import Extent, Level, load_policy, parse_policy
from apiserver.config_files import ConfigError
from tests.unit.apiserver.audit.policies import policy, request

POD = "GET /api/v1/namespaces/ns/pods/web"
LOG = "GET /api/v1/namespaces/ns/pods/web/log"


@pytest.mark.parametrize(
    ("rule", "target", "matches"),
    [
        ({}, POD, True),
        ({"users": ["jane"]}, POD, True),
        ({"users": ["joe"]}, POD, False),
        ({"userGroups": ["admins", "devs"]}, POD, True),
        ({"userGroups": ["admins"]}, POD, False),
        ({"verbs": ["get"]}, POD, True),
        ({"verbs": ["list"]}, POD, False),
        ({"namespaces": ["ns"]}, POD, True),
        ({"namespaces": [""]}, "GET /api/v1/nodes/n1", True),
        ({"namespaces": [""]}, "GET /version", False),
        ({"resources": [{"group": ""}]}, LOG, True),
        ({"resources": [{"group": "apps"}]}, POD, False),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, POD, True),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, LOG, False),
        ({"resources": [{"group": "", "resources": ["pods/log"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, POD, False),
        ({"resources": [{"group": "", "resources": ["*"]}]}, LOG, True),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["web"]}]}, POD, True),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["db"]}]}, POD, False),
        ({"nonResourceURLs": ["/healthz*"]}, "GET /healthz/etcd", True),
        ({"nonResourceURLs": ["/version"]}, "GET /version/", False),
        ({"nonResourceURLs": ["*"]}, "GET /version", True),
        ({"nonResourceURLs": ["*"]}, POD, False),
    ],
)
def test_a_rule_matches_what_has_all_that_it_names(rule: dict[str, Any], target: str, matches: bool) -> None:
    found = parse_policy(policy({"level": "Request", **rule})).extent_of(request(target))
    assert found.level == (Level.REQUEST if matches else Level.NONE)


def test_the_first_rule_counts_and_stages_add_up() -> None:
    parsed = parse_policy(
        policy(
            {"level": "Metadata", "verbs": ["get"], "omitStages": ["ResponseStarted"]},
            {"level": "RequestResponse", "omitManagedFields": False},
            omitStages=["RequestReceived"],
            omitManagedFields=True,
        )
    )
    stages = frozenset(("RequestReceived", "ResponseStarted"))
    assert parsed.extent_of(request(POD)) == Extent(Level.METADATA, stages, True)
    made = parsed.extent_of(request("POST /api/v1/namespaces/ns/pods"))
    assert made == Extent(Level.REQUEST_RESPONSE, frozenset(("RequestReceived",)), False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (policy(), "loaded illegal policy with 0 rules"),
        (policy({}), r"rules\[0\]\.level: Required value"),
        (policy({"level": "All"}), r'rules\[0\]\.level: Unsupported value: "All"'),
        (
            policy({"level": "None", "verbs": "get"}),
            r"Go struct field PolicyRule.rules.verbs of type \[\]string",
        ),
        (
            policy({}, {"level": ""}),
            r"^\[rules\[0\]\.level: Required value, rules\[1\]\.level: Required value\]$",
        ),
        (
            policy({"level": "None", "resources": [{"group": "*"}]}),
            r'rules\[0\]\.resources\.group: Invalid value: "\*": a lowercase RFC 1123 subdomain',
        ),
        (policy({"level": "None", "omitStages": ["Now"]}), "allowed stages are RequestReceived,"),
        (policy({"level": "None", "nonResourceURLs": ["healthz"]}), "must begin with a '/' character"),
        (policy({"level": "None", "nonResourceURLs": ["/a*b"]}), "must be the final character of the rule"),
        (
            policy({"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["a"]}),
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
        (
            policy({"level": "None", "resources": [{"group": "", "resourceNames": ["a"]}]}),
            "using resourceNames requires at least one resource",
        ),
    ],
)
def test_what_cannot_be_served_is_refused(text: bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse_policy(text)


def test_fields_that_nobody_knows_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    parsed = parse_policy(policy({"level": "Metadata", "verb": ["get"]}, color="red"))
    assert parsed.extent_of(request(POD)).level == Level.METADATA
    assert 'strict decoding error: unknown field "color", unknown field "rules[0].verb"' in caplog.text


def test_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(policy())
    with pytest.raises(ConfigError, match=f"^loading audit policy file: loaded .*: from file {path}$"):
        load_policy(str(path))
