"""Serve our application as it is served: one process, uvloop, httptools, everything on.

python -m bench.serve PORT, settings from the environment.
"""

import sys

import uvicorn


def main() -> None:
    """Serve until the process is ended."""
    uvicorn.run(
        "holdfast.main:app_factory",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
