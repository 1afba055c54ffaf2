"""portForward: connections of a client, over SPDY or WebSocket, joined to ports inside a pod."""
