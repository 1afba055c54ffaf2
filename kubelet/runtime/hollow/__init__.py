"""The in-memory twin of the container runtime."""

from kubelet.runtime.hollow.images import HollowImages
from kubelet.runtime.hollow.runtime import HollowOptions, HollowRuntime

__all__ = ["HollowImages", "HollowOptions", "HollowRuntime"]
