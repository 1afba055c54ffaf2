"""Tokens that live in Secrets: what apiserver and controller-manager write down of their use."""

from __future__ import annotations

from apimachinery.objects import NamespacedName

LAST_USED = "kubernetes.io/legacy-token-last-used"
"""Label of a Secret: the day."""
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
"""Label of a Secret: the day from which on its token is refused."""
TRACKING = NamespacedName("kube-system", "kube-apiserver-legacy-service-account-token-tracking")
"""The ConfigMap that tells, under SINCE, since which day use is noted."""
SINCE = "since"
