"""What pods and the node use: processors, memory, disk, processes."""
