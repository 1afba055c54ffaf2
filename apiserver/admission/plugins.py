"""Which admission plugins there are, in upstream's order; the flags choose among them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from apimachinery.scheme import (
    LIMIT_RANGES,
    MUTATING_WEBHOOK_CONFIGURATIONS,
    PODS,
    RESOURCE_QUOTAS,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
    VALIDATING_WEBHOOK_CONFIGURATIONS,
)
from apiserver.admission.accounts import account_lookup
from apiserver.admission.always_pull_images import AlwaysPullImages
from apiserver.admission.attributes import Plugin
from apiserver.admission.certificate_requester import CertificateRequester
from apiserver.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from apiserver.admission.claim_resize import PersistentVolumeClaimResize
from apiserver.admission.configuration import load_configuration
from apiserver.admission.default_classes import DefaultIngressClass, DefaultStorageClass
from apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from apiserver.admission.external_ips import DenyServiceExternalIPs
from apiserver.admission.limit_ranger import LimitRanger
from apiserver.admission.matching import Matcher
from apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from apiserver.admission.node_restriction import NodeRestriction
from apiserver.admission.own import Cluster, load_plugins
from apiserver.admission.pod_security.configuration import parse_configuration
from apiserver.admission.pod_security.plugin import PodSecurity
from apiserver.admission.policies.params import FindKind
from apiserver.admission.policies.plugin import ValidatingAdmissionPolicy
from apiserver.admission.policies.policy import Policies
from apiserver.admission.policies.rights import PolicyParamRights
from apiserver.admission.priority import Priority
from apiserver.admission.resource_quota import ResourceQuota
from apiserver.admission.runtime_class import RuntimeClass
from apiserver.admission.scopes import Scopes
from apiserver.admission.service_account import ServiceAccount
from apiserver.admission.storage_in_use import StorageObjectInUseProtection
from apiserver.admission.taint_nodes_by_condition import TaintNodesByCondition
from apiserver.admission.webhooks.caller import Caller
from apiserver.admission.webhooks.dispatch import Dispatcher
from apiserver.admission.webhooks.hooks import Hooks
from apiserver.admission.webhooks.mutating import MutatingAdmissionWebhook
from apiserver.admission.webhooks.validating import ValidatingAdmissionWebhook
from apiserver.auth.rbac.escalation import RBACEscalation
from apiserver.auth.setup import Auth
from apiserver.config_files import ConfigError
from apiserver.options import DEFAULT_PLUGINS, Options
from apiserver.registry.transaction import Transactions
from apiserver.storage.cached import cached, fresh_lookup, listing, namespace_phases
from apiserver.storage.interface import Storage
from apiserver.storage.watch_cache import WatchCache

ALWAYS = frozenset(("CertificateRequester", "PolicyParamRights", "RBACEscalation"))
"""What upstream has not as a plugin, but in the registry of its kinds."""


def build_plugins(
    options: Options,
    storage: Storage,
    cache: WatchCache,
    auth: Auth,
    webhooks: Caller,
    find_kind: FindKind,
    now: Callable[[], datetime],
) -> list[Plugin]:
    """What writes pass. Raises ConfigError."""
    lookup, fresh, objects = cached(cache), fresh_lookup(cache), listing(cache)
    matcher, scopes = Matcher(lookup, fresh), Scopes(auth.authorizer)
    dispatcher = Dispatcher(matcher, scopes, webhooks, lambda: str(uuid.uuid4()))
    policies = Policies(
        cache.resource(VALIDATING_ADMISSION_POLICIES), cache.resource(VALIDATING_ADMISSION_POLICY_BINDINGS)
    )
    configured = load_configuration(options.admission_control_config_file)
    own = load_plugins(
        options.admission_plugins_from, Cluster(lookup, objects, lambda name: configured.get(name, {}))
    )
    available: list[Plugin] = [
        NamespaceLifecycle(namespace_phases(cache), cache.fresh),
        LimitRanger(lambda namespace: objects(LIMIT_RANGES, namespace)),
        ServiceAccount(account_lookup(cache), random.Random()),
        NodeRestriction(lookup, auth.authorizer),
        TaintNodesByCondition(),
        AlwaysPullImages(),
        PodSecurity(
            lookup, fresh, partial(objects, PODS), parse_configuration(configured.get("PodSecurity", {}))
        ),
        Priority(lookup, objects),
        DefaultTolerationSeconds(
            options.default_not_ready_toleration_seconds, options.default_unreachable_toleration_seconds
        ),
        DefaultStorageClass(objects),
        StorageObjectInUseProtection(),
        PersistentVolumeClaimResize(lookup),
        RuntimeClass(lookup),
        CertificateApproval(auth.authorizer),
        CertificateSigning(auth.authorizer),
        CertificateSubjectRestriction(),
        DefaultIngressClass(objects),
        DenyServiceExternalIPs(),
        *own,
        MutatingAdmissionWebhook(Hooks(cache.resource(MUTATING_WEBHOOK_CONFIGURATIONS)), dispatcher),
        CertificateRequester(),
    ]
    if "RBAC" in auth.authorizer.types:
        available.append(RBACEscalation(auth.authorizer, auth.rbac, lookup))
    available += [
        PolicyParamRights(auth.authorizer, lookup, find_kind),
        ValidatingAdmissionPolicy(policies, matcher, scopes, find_kind),
        ValidatingAdmissionWebhook(Hooks(cache.resource(VALIDATING_WEBHOOK_CONFIGURATIONS)), dispatcher),
    ]
    books = Transactions(storage, cache.resource(RESOURCE_QUOTAS))
    available.append(ResourceQuota(lambda namespace: objects(RESOURCE_QUOTAS, namespace), books, now))
    return _chosen(options, available, own)


def _chosen(options: Options, available: Sequence[Plugin], own: Sequence[Plugin]) -> list[Plugin]:
    """Those of `available` that the flags switch on; `own` need no flag for that. Raises ConfigError."""
    _check_names(options, [each.name for each in available])
    enabled = options.enabled_plugins | ({each.name for each in own} - {*options.disable_admission_plugins})
    return [each for each in available if each.name in enabled or each.name in ALWAYS]


def _check_names(options: Options, available: Sequence[str]) -> None:
    """Raises ConfigError for a plugin that upstream does not know either, or that is not there."""
    for flag in ("enable", "disable"):
        for name in getattr(options, f"{flag}_admission_plugins"):
            if name not in (*available, *DEFAULT_PLUGINS):
                raise ConfigError(f'{flag}-admission-plugins plugin "{name}" is unknown')
    both = sorted({*options.enable_admission_plugins} & {*options.disable_admission_plugins})
    if both:
        raise ConfigError(f"{both} in enable-admission-plugins and disable-admission-plugins overlapped")
