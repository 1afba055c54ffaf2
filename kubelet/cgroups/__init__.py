"""The tree of cgroups that pods run in: all, their classes, each pod (upstream: pkg/kubelet/cm)."""
