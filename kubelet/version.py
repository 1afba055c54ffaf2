"""The version this kubelet reports: of the API it implements."""

from __future__ import annotations

KUBELET_VERSION = "v1.34.0"
