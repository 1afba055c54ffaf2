"""The authorizers of a configuration, and those of a changed one without a restart.

Source: pkg/kubeapiserver/authorizer/reload.go of Kubernetes 1.34.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from apimachinery.scheme import AUTHORIZATION
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorization_config import (
    AuthorizationConfiguration,
    AuthorizerSource,
    WebhookSource,
    parse,
)
from apiserver.auth.authorizer import (
    AlwaysAllow,
    AlwaysDeny,
    Decision,
    DecisionCount,
    Resolver,
    Union,
    UserRules,
)
from apiserver.auth.webhooks.authorizer import WebhookAuthorizer, v1beta1_spec
from apiserver.auth.webhooks.match_conditions import MatchConditions, compile_condition
from apiserver.auth.webhooks.reviewer import Reviewer, Webhooks, check_version
from apiserver.config_files import ConfigError, WatchedFile
from apiserver.reload_metrics import AUTHORIZATION as AUTHORIZATION_RELOADS
from apiserver.request import UserInfo

log = logging.getLogger(__name__)


class Authorizers:
    """Those that are asked now. Types that are built in stay; webhooks may come and go."""

    def __init__(
        self, configuration: AuthorizationConfiguration, built_in: Mapping[str, Callable[[], Resolver]]
    ) -> None:
        """`built_in`: what makes the authorizer of a type that knows the cluster. Raises ConfigError."""
        self.configuration = configuration
        self.types = configuration.built_in
        self._built_in: dict[str, Resolver] = {"AlwaysAllow": AlwaysAllow(), "AlwaysDeny": AlwaysDeny()}
        self._built_in |= {kind: make() for kind, make in built_in.items() if kind in self.types}
        self._webhooks, self._retired = Webhooks(), Webhooks()
        self.counts: dict[tuple[str, str], DecisionCount] = {}
        """By type and name."""
        self._union = self._make(configuration, self._webhooks)

    async def authorize(self, attributes: Attributes) -> Decision:
        return await self._union.authorize(attributes)

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        return self._union.rules_of(user, namespace)

    def _make(self, configuration: AuthorizationConfiguration, webhooks: Webhooks) -> Union:
        sources = configuration.authorizers
        counts = [self.counts.setdefault((each.type, each.name), [0, 0]) for each in sources]
        return Union([self._authorizer(each, webhooks) for each in sources], counts)

    def _authorizer(self, source: AuthorizerSource, webhooks: Webhooks) -> Resolver:
        if source.webhook is not None:
            return webhook_authorizer(source.name, source.webhook, webhooks)
        known = self._built_in.get(source.type)
        if known is None:
            text = "is not allowed if it was not enabled at initial server startup"
            raise ConfigError(f"authorizer type {source.type} {text}")
        return known

    async def follow(self, path: str) -> None:
        """Does as the file says, now and whenever it changes; one that is no good changes nothing."""
        file = WatchedFile(path)
        while True:
            try:
                await self.reload(await file.changed())
            except ConfigError as error:
                AUTHORIZATION_RELOADS.note("failure")
                log.error("Failed to reload the authorization configuration: err=%s", error)

    async def reload(self, text: bytes) -> None:
        """Raises ConfigError."""
        configuration = parse(text, self.types)
        if configuration == self.configuration:
            return
        webhooks = Webhooks()
        self._union = self._make(configuration, webhooks)
        self.configuration = configuration
        # Somebody may still be waiting for an answer of those that have just gone.
        retired, self._retired, self._webhooks = self._retired, self._webhooks, webhooks
        await retired.aclose()
        AUTHORIZATION_RELOADS.note("success")
        AUTHORIZATION_RELOADS.applied(text)
        log.info("Reloaded the authorization configuration")

    async def aclose(self) -> None:
        await self._retired.aclose()
        await self._webhooks.aclose()


def webhook_authorizer(name: str, source: WebhookSource, webhooks: Webhooks) -> WebhookAuthorizer:
    """Raises ConfigError."""
    check_version(source.version, "webhook authorizer")
    write_spec = v1beta1_spec if source.version == "v1beta1" else dict
    webhook = webhooks.open(source.kubeconfig, source.seconds)
    reviewer = Reviewer(webhook, AUTHORIZATION, "SubjectAccessReview", source.version, write_spec)
    conditions = MatchConditions([compile_condition(each) for each in source.conditions])
    return WebhookAuthorizer(name, reviewer, source.policy, conditions)
