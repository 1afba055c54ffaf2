"""Cluster DNS: answers for Services and pods itself, and asks the host's resolvers about everything else."""
