"""Node-pressure eviction: before the node runs out of memory, disk or processes, pods have to go."""
