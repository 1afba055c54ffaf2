"""A guestbook over HTTP: counts its visits in a Redis and says which version of it answered.

GET / counts a visit, GET /ready asks the database for a sign of life, GET /alive does not.
"""

import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DATABASE = (os.environ.get("DATABASE_HOST", "guestbook-db"), 6379)
VERSION = os.environ.get("VERSION", "one")


def ask(*words: str) -> str:
    """One command of Redis and its one-line answer."""
    command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    with socket.create_connection(DATABASE, timeout=3) as connection, connection.makefile("rb") as answer:
        connection.sendall(command.encode())
        return answer.readline().decode().strip().lstrip("+:")


class Guestbook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        try:
            self._answer(
                200, {"/alive": lambda: "alive", "/ready": lambda: ask("PING")}.get(self.path, visit)()
            )
        except OSError as error:
            self._answer(503, f"no database: {error}")

    def _answer(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: a line per visit is no news."""


def visit() -> str:
    return f"version {VERSION} on {socket.gethostname()}: visit {ask('INCR', 'visits')}"


def main() -> None:
    server = ThreadingHTTPServer(("", 8080), Guestbook)
    # Those under way are answered before it ends.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"guestbook version {VERSION} serves on port 8080", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
