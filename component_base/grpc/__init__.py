"""A small gRPC client on asyncio: unary calls and streams over one HTTP/2 connection, no threads."""
