"""What every daemon needs to be a daemon: run loop, flags, logs, metrics, health, trace context."""
