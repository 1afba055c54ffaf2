"""The filters every request passes, one a file, pure ASGI; `apiserver.app` lists them in upstream's order."""
