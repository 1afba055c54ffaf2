"""What a container is started with: environment, mounts, limits, security, names, DNS."""
