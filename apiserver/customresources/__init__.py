"""Custom resources: what CustomResourceDefinitions say, and how the resources they define are served.

Pure: `definition` (reading one), `status` (names and conditions), `schema/` (structural schemas).
Effects: `served` (the stores of what is served now), `controller` (keeps status, ends definitions).
Source: staging/src/k8s.io/apiextensions-apiserver of Kubernetes 1.34.
"""
