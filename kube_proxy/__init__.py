"""kube-proxy: programs the node's packet rules so that Services lead to their endpoints."""
