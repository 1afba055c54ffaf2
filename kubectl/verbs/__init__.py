"""One verb a file, each with its typer app `app`; `kubectl.__main__` loads only what is asked."""
