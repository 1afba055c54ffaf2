"""Which tokens of service accounts are used, with upstream's names.

Source: pkg/serviceaccount/metrics.go of Kubernetes 1.34.
"""

from __future__ import annotations

from component_base.metrics import Counter

LEGACY = Counter("serviceaccount_legacy_tokens_total", "Cumulative legacy service account tokens used")
STALE = Counter("serviceaccount_stale_tokens_total", "Cumulative stale projected service account tokens used")
MANUAL = Counter(
    "serviceaccount_legacy_manual_token_uses_total", "Cumulative manually created legacy tokens used"
)
AUTO_GENERATED = Counter(
    "serviceaccount_legacy_auto_token_uses_total", "Cumulative auto-generated legacy tokens used"
)
INVALIDATED = Counter(
    "serviceaccount_invalid_legacy_auto_token_uses_total",
    "Cumulative invalid auto-generated legacy tokens used",
)
VALID = Counter("serviceaccount_valid_tokens_total", "Cumulative valid projected service account tokens used")
