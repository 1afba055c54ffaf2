"""Common Expression Language as Kubernetes has it: Google's runtime, with types, costs and functions of ours.

`environment` is the only module that knows the runtime, which is loaded with the first expression. On the
way from a text to a program `wire` takes the tree (`syntax`) out of the runtime's parser, `macros` expands
what that lacks, `checker` finds the types (`types`, `declarations`), and `runtime_form` gives it the
runtime's form. `cost` says what it may cost; `libraries/` are the functions. What expressions are about is
known to `structs` and `devices` only.
"""
