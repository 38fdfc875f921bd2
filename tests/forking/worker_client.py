"""Stands for a worker where xdist started one: asks the fork server for it, lends it the standard files, ends with it.

It runs without site packages and imports nothing of the project, so that it starts at once.
"""

import json
import os
import socket
import sys


def main(address: str) -> int:
    """How the worker ended; 1 where its server has gone."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(address)
        told = control.makefile("rb")
        told.readline()  # the server is ready
        socket.send_fds(control, [b"{}"], [0, 1, 2])
        os.close(0)  # xdist is to see these files end with the worker
        os.close(1)
        for line in told:
            if (code := json.loads(line).get("code")) is not None:
                return abs(int(code))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
