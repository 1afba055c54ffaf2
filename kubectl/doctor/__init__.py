"""`doctor`: the machine (kubeadm/preflight) and a walk through the cluster; each finding with its fix."""
