"""API aggregation: versions of groups that other servers serve, and APIServices, which say who serves what.

Source: k8s.io/kube-aggregator 1.34.
"""
