"""Values and rules shared by the server and its clients. No I/O, no asyncio."""
