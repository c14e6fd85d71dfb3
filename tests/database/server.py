"""A throw-away PostgreSQL server: Debian's own packages, unpacked beside the machine. No service, no root rights.

The packages are downloaded once and kept unpacked in a cache outside the repository. A server lives as long as the
test session: in a folder of its own, in memory where there is room, on a Unix socket there, without fsync. It never
runs as root, which PostgreSQL refuses.
"""

import hashlib
import inspect
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from hanam_lab.paths import CACHE

SUITE = "trixie"
MAJOR = "17"
# The server, its client programs, and the libraries they need that an empty Debian lacks.
PACKAGES = (
    f"postgresql-{MAJOR}", f"postgresql-client-{MAJOR}", "libpq5", "libicu76", "libldap2", "libsasl2-2", "libxml2",
    "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0", "libcom-err2", "libkeyutils1",
    "libreadline8t64",
    # PL/Perl, in which passwords are hashed, and the module that does it.
    f"postgresql-plperl-{MAJOR}", "libperl5.40", "libcrypt-argon2-perl",
)  # fmt: skip
PROGRAMS = f"usr/lib/postgresql/{MAJOR}/bin"
# As roles/postgresql has it where answers depend on it; nothing that a crash would need.
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "jit": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
    "max_wal_size": "256MB",
    "plperl.on_init": "require Crypt::Argon2",
}
_START_SECONDS = 60
# Of the processor, a copy of the template costs a sixth there: it is 300 files. All of the session have 140 MB at most.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is made by mkdtemp
_ROOM = 2**30


def packages() -> Path:
    """The unpacked packages; downloads them (20 MB) when absent."""
    recipe = repr((SUITE, PACKAGES)) + inspect.getsource(_unpack)
    tree = _cache() / f"postgresql-{MAJOR}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not tree.is_dir():
        tree.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="postgresql-new-", dir=tree.parent))
        try:
            _unpack(work)
            try:
                (work / "tree").rename(tree)
            except OSError:
                if not tree.is_dir():  # otherwise another session was faster
                    raise
        finally:
            shutil.rmtree(work)
    return tree


def _cache() -> Path:
    """Root's is the lab's; another user has his own."""
    if os.geteuid() == 0:
        return CACHE
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanam-mail"


def _unpack(work: Path) -> None:
    """Make work/tree. The folder's key is this function's text: change one and the packages are fetched anew."""
    work.chmod(0o755)
    lists = work / "lists"
    for folder in (work / "debs", work / "tree", lists / "partial"):
        folder.mkdir(parents=True)
    # The machine's own package lists may be missing or old; others are read as any user into a folder of one's own.
    own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={work}", "-o", "Debug::NoLocking=1"]
    as_oneself = ["-o", "APT::Sandbox::User=root"]
    if subprocess.run(["apt-get", "-q", *as_oneself, "download", *PACKAGES], cwd=work / "debs", check=False).returncode:
        subprocess.run(["apt-get", "-q", *as_oneself, *own, "update"], check=True)
        subprocess.run(["apt-get", "-q", *as_oneself, *own, "download", *PACKAGES], cwd=work / "debs", check=True)
    for deb in sorted((work / "debs").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, work / "tree"], check=True)
    (work / "tree").chmod(0o755)


class Server:
    """A running server, its programs and the way in."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.folder = folder
        self._tree = tree
        libraries = ":".join(str(path) for path in tree.glob("usr/lib/*-linux-gnu"))
        modules = ":".join(str(path) for path in tree.glob("usr/lib/*-linux-gnu/perl5/*"))
        self.environment = {
            "PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries, "PERL5LIB": modules, "LC_ALL": "C.UTF-8",
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        }  # fmt: skip

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's programs; it needs `environment`."""
        return str(self._tree / PROGRAMS / name)

    def conninfo(self, database: str = "", user: str = "postgres") -> str:
        """How a program reaches a database as a role: nobody is asked for a password."""
        named = f" dbname={database}" if database else ""
        return f"host={self.folder} user={user}{named}"

    def run(self, name: str, *words: str) -> str:
        """What one of PostgreSQL's client programs prints."""
        command = [self.program(name), "-h", str(self.folder), "-U", "postgres", *words]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty cluster, until the end of the session."""
    folder = Path(tempfile.mkdtemp(prefix="hanam-mail-postgresql-", dir=_roomy()))
    server = Server(packages(), folder)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        made = subprocess.run(
            [*_unprivileged(), server.program("initdb"), f"--pgdata={folder}/data", "--username=postgres",
             "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"],
            env=server.environment, cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb of {server.program('initdb')} failed:\n{made.stdout}{made.stderr}")
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*_unprivileged(), server.program("postgres"), "-D", f"{folder}/data", "-k", str(folder), *options],
                env=server.environment, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            _await(server, process)
            yield server
        finally:
            process.send_signal(3)  # SIGQUIT: at once, nothing is kept
            process.wait(30)
    finally:
        shutil.rmtree(folder)


def _roomy() -> Path | None:
    """Memory, when it has room for all databases; else wherever files of a moment lie."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    found = os.statvfs(_MEMORY)
    return _MEMORY if found.f_bavail * found.f_frsize >= _ROOM else None


def _unprivileged() -> Sequence[str]:
    """What runs a program as an ordinary user, and ends it with this process."""
    user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig=QUIT", *user]


def _await(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(server.conninfo("postgres")).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (server.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"the server does not start: {error}\n{log}") from error
            time.sleep(0.02)
