"""exec and attach: the client's streams over SPDY or WebSocket on one side, the runtime's on the other."""
