"""The container runtime on Docker, through its own socket."""
