"""Kustomizations: folders that say how files become objects. As kustomize 5.6, which is in kubectl 1.33."""

VERSION = "v5.6.0"
