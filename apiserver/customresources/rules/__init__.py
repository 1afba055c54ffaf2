"""x-kubernetes-validations: rules in CEL over what stands at a place of a schema.

`compiling` turns a place's rules into programs, `costs` says what they may cost, `validating` evaluates them.
Source: pkg/apiserver/schema/cel of k8s.io/apiextensions-apiserver.
"""
