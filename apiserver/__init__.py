"""The Kubernetes API over etcd: the only daemon that touches the store."""
