"""A PostgreSQL server of its own for tests: Debian's programs, a folder of its own, gone with the process it serves.

Run as `python -m postgres_server FOLDER PROGRAMS`: makes a cluster in FOLDER, starts it and writes its address to
FOLDER/url; "stop" and "start" on standard input are answered with "done". When standard input closes, which also
happens when the tests are killed, the server ends.
PostgreSQL refuses to run as root, so root runs it as the account `postgres`.
"""

import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

PASSWORD = "pass/word of tests"  # noqa: S105 - of a server that lives for a test


def account() -> dict[str, Any]:
    """For `subprocess`: whom the programs run as."""
    if os.geteuid() != 0:
        return {}
    person = pwd.getpwnam("postgres")
    return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    folder, programs, port = Path(sys.argv[1]), Path(sys.argv[2]), free_port()
    data, secret = folder / "data", folder / "password"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        person = pwd.getpwnam("postgres")
        os.chown(folder, person.pw_uid, person.pw_gid)
        os.chown(secret, person.pw_uid, person.pw_gid)
    made: list[Any] = [
        programs / "initdb", "--no-sync", "--username=tests", f"--pwfile={secret}", "--auth=scram-sha-256",
        "--encoding=UTF8", "--locale=C", "--pgdata", data,
    ]  # fmt: skip
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **account())
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
        "full_page_writes": "off", "max_connections": 60, "shared_buffers": "16MB", "logging_collector": "off",
    }  # fmt: skip
    command = [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())]
    with (folder / "log").open("ab") as log:
        server = start(command, folder, log)
        (folder / "url").write_text(f"postgresql://tests:pass%2Fword%20of%20tests@127.0.0.1:{port}/postgres")
        for line in sys.stdin:
            if line.strip() == "stop":
                stop(server)
            else:
                server = start(command, folder, log)
            sys.stdout.write("done\n")
            sys.stdout.flush()
        stop(server)


def start(command: list[Any], folder: Path, log: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **account())


def stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)  # sessions are cut off; it ends when all its processes have
        server.wait()


if __name__ == "__main__":
    main()
