"""`config`: kubeconfig files shown and changed."""
