"""The container runtime on Docker, through docker-py and Docker's own socket."""
