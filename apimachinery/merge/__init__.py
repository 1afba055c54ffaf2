"""Structured merge: who set which field, and what an apply changes. Pure; objects are plain JSON.

`fields` are sets of fields, `shape` what the schema says about merging; `comparison`, `combination` and
`checking` what is done with them. Who the fields belong to is decided in `apiserver.managed_fields`.
Source: https://github.com/kubernetes-sigs/structured-merge-diff (v6.3.0).
"""
