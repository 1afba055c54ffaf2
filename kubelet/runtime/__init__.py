"""The Runtime seam and its twins: Docker, and hollow containers that only pretend."""
