"""Who manages which field of an object: metadata.managedFields kept by every write, and server-side apply.

`tracker` is the front; `book` reads and writes managedFields, `updating` and `applying` decide who owns what
after a write, `last_applied` leads from client-side to server-side apply, `scale` through that subresource.
Source: https://github.com/kubernetes/apimachinery/tree/v0.34.0/pkg/util/managedfields
"""
