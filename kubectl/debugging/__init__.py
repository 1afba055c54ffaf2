"""`debug`: what the container that looks into a pod or node is, by profile. Pure."""
