"""The server on port 10250: logs, exec, health, metrics."""
