"""`cp`: files and folders to and from containers, as tar archives through exec."""
