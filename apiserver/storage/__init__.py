"""Where the bytes are: the Storage seam, its twins (etcd, memory) and the watch cache over them."""
