"""Devices that are claimed (resource.k8s.io): claims and their templates, classes, and what drivers offer."""
