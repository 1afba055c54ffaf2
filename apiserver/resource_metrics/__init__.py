"""metrics.k8s.io without a metrics-server: what pods and nodes use, asked of the kubelets on demand.

An APIService for v1beta1.metrics.k8s.io that names a Service takes precedence, as for any group.
Source: sigs.k8s.io/metrics-server.
"""
