"""Validation of CustomResourceDefinitions themselves, in upstream's wording and at its paths. Pure.

Source: pkg/apis/apiextensions/validation of k8s.io/apiextensions-apiserver.
"""
