"""Common Expression Language as Kubernetes has it: Google's runtime, with Kubernetes' functions added.

`environment` is the only module that knows the runtime, which is loaded with the first expression.
`libraries/` are the functions, `syntax` the tree of a compiled expression, `cost` what it may cost. None of
them knows what expressions are about.
"""
