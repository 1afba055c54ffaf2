"""What a cluster has from its first second: namespaces, roles, priority classes, the Service of the API."""
