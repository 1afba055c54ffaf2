"""AuthorizationConfiguration: what a file or flags mean, what is wrong with them, changed files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from apimachinery.objects import Object
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorization_config import (
    AuthorizationConfiguration,
    AuthorizerSource,
    WebhookSource,
    configuration_of,
    parse,
)
from apiserver.auth.authorizer import AlwaysAllow, Decision, UserRules
from apiserver.auth.authorizers import Authorizers
from apiserver.auth.options import AuthOptions, auth_problem
from apiserver.auth.webhooks.authorizer import Policy
from apiserver.auth.webhooks.match_conditions import ConditionError, MatchConditions, compile_condition
from apiserver.config_files import ConfigError
from apiserver.request import UserInfo

RBAC = {"type": "RBAC", "name": "rbac"}
KUBECONFIG = {"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}]}
CONTEXT = {"contexts": [{"name": "c", "context": {"cluster": "c"}}], "current-context": "c"}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({**KUBECONFIG, **CONTEXT}))
    return path


def document(*authorizers: Object) -> bytes:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    return yaml.safe_dump({**head, "authorizers": list(authorizers)}).encode()


def webhook(path: Path | str, name: str = "w", **fields: Any) -> Object:
    settings = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "failurePolicy": "Deny",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(path)},
        **fields,
    }
    return {"type": "Webhook", "name": name, "webhook": {k: v for k, v in settings.items() if v is not None}}


def test_a_file_says_who_is_asked_in_which_order(kubeconfig: Path) -> None:
    conditions = [{"expression": "request.user != 'a'"}]
    careful = webhook(
        kubeconfig,
        unauthorizedTTL="10s",
        cacheAuthorizedRequests=False,
        matchConditionSubjectAccessReviewVersion="v1",
        matchConditions=conditions,
    )
    assert parse(document(careful, RBAC)) == AuthorizationConfiguration(
        (
            AuthorizerSource(
                "Webhook",
                "w",
                WebhookSource(str(kubeconfig), "v1", Policy(0, 10, True), 3, ("request.user != 'a'",)),
            ),
            AuthorizerSource("RBAC", "rbac"),
        )
    )


def test_without_a_file_flags_say_it() -> None:
    assert configuration_of(AuthOptions()).authorizers == (AuthorizerSource("AlwaysAllow", "alwaysallow"),)
    options = AuthOptions(
        authorization_mode=("Webhook",),
        authorization_webhook_config_file="/w",
        authorization_webhook_cache_unauthorized_ttl=5,
    )
    source = WebhookSource("/w", "v1beta1", Policy(300, 5))
    assert configuration_of(options).authorizers == (AuthorizerSource("Webhook", "webhook", source),)


WRONG: dict[str, tuple[list[Object], str]] = {
    "nothing": ([], "authorizers: Required value: at least one authorization mode must be defined"),
    "no type": ([{"name": "a"}], "authorizers[0].type: Required value"),
    "another type": (
        [{"type": "ABC", "name": "a"}],
        'authorizers[0].type: Unsupported value: "ABC": supported values: "ABAC", "AlwaysAllow", '
        '"AlwaysDeny", "Node", "RBAC", "Webhook"',
    ),
    "twice": ([RBAC, RBAC], 'authorizers[1].type: Duplicate value: "RBAC"'),
    "no name": ([{"type": "RBAC"}], "authorizers[0].name: Required value"),
    "another name": (
        [{"type": "RBAC", "name": "mine"}],
        "expected name rbac for authorizer RBAC instead of mine",
    ),
    "a webhook that is none": (
        [{**RBAC, "webhook": {}}],
        'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
    ),
    "no webhook": (
        [{"type": "Webhook", "name": "w"}],
        "authorizers[0].webhook: Required value: required when type=Webhook",
    ),
    "two of a name": (
        [webhook("FILE"), webhook("FILE")],
        'authorizers[1].name: Duplicate value: "w"',
    ),
    "too long": (
        [webhook("FILE", timeout="31s", authorizedTTL="-1s")],
        '[authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s, '
        'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s]',
    ),
    "nothing said": (
        [{"type": "Webhook", "name": "w", "webhook": {}}],
        "[authorizers[0].timeout: Required value, "
        "authorizers[0].subjectAccessReviewVersion: Required value, "
        "authorizers[0].failurePolicy: Required value, "
        "authorizers[0].connectionInfo.type: Required value]",
    ),
    "relative": (
        [webhook("a/b")],
        'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "a/b": must be an absolute path',
    ),
    "not there": (
        [webhook("/not/there")],
        'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/not/there": error loading file: '
        "stat /not/there: no such file or directory",
    ),
    "a folder": (
        [webhook("/")],
        'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/": must be a regular file',
    ),
    "conditions without a version": (
        [webhook("FILE", matchConditions=[{"expression": "true"}])],
        "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match "
        "conditions are specified",
    ),
    "conditions": (
        [
            webhook(
                "FILE",
                matchConditionSubjectAccessReviewVersion="v1",
                matchConditions=[
                    {"expression": text} for text in (" ", "true", "true", "request.user", "request.x == 1")
                ],
            )
        ],
        "[authorizers[0].matchConditions[0].expression: Required value, "
        'authorizers[0].matchConditions[2].expression: Duplicate value: "true", '
        'authorizers[0].matchConditions[3].expression: Invalid value: "request.user": must evaluate to bool '
        "but got string, "
        'authorizers[0].matchConditions[4].expression: Invalid value: "request.x == 1": compilation failed: '
        "ERROR: <input>:1:8: undefined field 'x'\n | request.x == 1\n | .......^]",
    ),
}


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_in_upstreams_words(row: tuple[list[Object], str], kubeconfig: Path) -> None:
    authorizers, error = row
    text = document(*authorizers).replace(b"FILE", str(kubeconfig).encode()) if authorizers else document()
    text = text.replace(f"type: KubeConfig{kubeconfig}".encode(), b"type: KubeConfigFile")
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert str(refused.value) == error


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'^failed to load AuthorizationConfiguration from file: .*\.x"$'):
        parse(document({**RBAC, "x": 1}))


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"authorization_mode": ("ABC",)}, 'authorization-mode "ABC" is not a valid mode'),
        (
            {"authorization_mode": ("Webhook",)},
            "authorization-mode Webhook's authorization config file not passed",
        ),
        (
            {"authorization_webhook_config_file": "w"},
            "cannot specify --authorization-webhook-config-file without mode Webhook",
        ),
        ({"authorization_mode": ("ABAC",)}, "authorization-mode ABAC's authorization policy file not passed"),
        (
            {"authorization_mode": ("RBAC",), "authorization_policy_file": "p"},
            "cannot specify --authorization-policy-file without mode ABAC",
        ),
        (
            {"authorization_mode": ("RBAC", "RBAC")},
            'authorization-mode ["RBAC" "RBAC"] has mode specified more than once',
        ),
        *(
            (
                {"authorization_config": "c", **flags},
                "--authorization-config can not be specified when --authorization-mode or "
                "--authorization-webhook-* flags are defined",
            )
            for flags in ({"authorization_mode": ("RBAC",)}, {"authorization_webhook_version": "v1"})
        ),
        ({"authorization_config": "c"}, ""),
    ],
)
def test_flags_that_do_not_go_together(flags: dict[str, Any], problem: str) -> None:
    assert auth_problem(AuthOptions(**flags)) == problem


SPEC = {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "shop"}}


@pytest.mark.parametrize(
    ("texts", "spec", "expected"),
    [
        ((), SPEC, True),
        (("request.user == 'jane'", "has(request.resourceAttributes)"), SPEC, True),
        (("request.resourceAttributes.name == '' && request.uid == ''",), SPEC, True),
        (("'devs' in request.groups",), SPEC, False),
        (("request.nonResourceAttributes.path == '/'", "request.user == 'bob'"), SPEC, False),
        (("!has(request.resourceAttributes)",), {"nonResourceAttributes": {"path": "/"}}, True),
    ],
)
def test_conditions(texts: tuple[str, ...], spec: Object, expected: bool) -> None:
    assert MatchConditions([compile_condition(each) for each in texts]).hold(spec) is expected


def test_a_condition_that_cannot_be_told_fails_if_none_is_false() -> None:
    text = "request.nonResourceAttributes.path == '/'"
    with pytest.raises(ConditionError) as error:
        MatchConditions([compile_condition(text)]).hold(SPEC)
    assert str(error.value) == (
        f"cel evaluation error: expression '{text}' resulted in error: no such key: nonResourceAttributes"
    )


class Never:
    async def authorize(self, attributes: Attributes) -> Decision:
        return Decision(reason="never")

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        return UserRules(gaps=["never"])


async def test_a_changed_configuration_is_obeyed_as_far_as_it_may(kubeconfig: Path) -> None:
    authorizers = Authorizers(parse(document(RBAC)), {"RBAC": Never, "Node": Never})
    asked = Attributes(UserInfo("jane"), "get", path="/")
    assert (await authorizers.authorize(asked)).reason == "never"
    await authorizers.reload(document(RBAC, {"type": "AlwaysAllow", "name": "alwaysallow"}))
    assert await authorizers.authorize(asked) == await AlwaysAllow().authorize(asked)
    for text, error in (
        (document({"type": "AlwaysDeny", "name": "alwaysdeny"}), "missing required types: [RBAC]"),
        (
            document(RBAC, {"type": "Node", "name": "node"}),
            "authorizer type Node is not allowed if it was not enabled at initial server startup",
        ),
        (document(RBAC, {"type": "Node"}), "authorizers[1].name: Required value"),
    ):
        with pytest.raises(ConfigError) as refused:
            await authorizers.reload(text)
        assert str(refused.value) == error
        assert (await authorizers.authorize(asked)).allowed, "what was good before goes on"
    unreachable = webhook(
        kubeconfig,
        matchConditionSubjectAccessReviewVersion="v1",
        matchConditions=[{"expression": "request.user == 'bob'"}],
    )
    await authorizers.reload(document(unreachable, RBAC))
    assert (await authorizers.authorize(asked)).reason == "never", "the webhook is not about Jane"
    await authorizers.aclose()
