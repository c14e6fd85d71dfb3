"""Makes the tree of the LDAP server of the public directory.

    hanam-ldap-load fill ENTRIES BASE CONFIGURATION FOLDER    before slapd starts, from nothing
    hanam-ldap-load follow ENTRIES BASE SOCKET                while it runs, what is other

ENTRIES is what hanam-directory made of the accounts database (`current/entries.json`), BASE the server's suffix.
Following, only differences are written; where the tree was made of these entries already, nothing is asked but that.
What cannot be written does not keep back the rest: the run fails, and the next one tries it again.
"""

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from hanam_mail.host.directory import ldap_tree
from hanam_mail.host.directory.entries import unpacked
from hanam_mail.host.service import say

NO_SUCH_OBJECT = 32
PATIENCE = 240


class LoadRefused(Exception):
    """What a program of the server's said instead of doing it."""


def last_words(text: str) -> str:
    """The end of what a program complained of, in one line."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines()[-3:] if line.strip())


class LdapServer:
    """slapd by its Unix socket, which knows the user of this process."""

    def __init__(self, socket: Path, base: str) -> None:
        self._where = ["-H", f"ldapi://{quote(str(socket), safe='')}", "-Y", "EXTERNAL", "-Q"]
        self._base = base

    def mark(self) -> str:
        """Of what the tree was made; empty where there is none."""
        found = ldap_tree.read(self._asked("base", ldap_tree.MARK))
        return next((values[0] for each in found.values() for values in each.values()), "")

    def tree(self) -> ldap_tree.LdapTree:
        return ldap_tree.read(self._asked("sub", "*"))

    def tell(self, records: Sequence[str]) -> None:
        """Raises LoadRefused where some of them were; the others are done."""
        done = self._run(["ldapmodify", "-c", *self._where], "".join(("version: 1\n\n", *records)))
        if done.returncode:
            raise LoadRefused(last_words(done.stderr))

    def _asked(self, scope: str, attributes: str) -> str:
        words = ["-LLL", "-o", "ldif_wrap=no", "-b", self._base, "-s", scope, "(objectClass=*)", attributes]
        done = self._run(["ldapsearch", *self._where, *words], "")
        if done.returncode == NO_SUCH_OBJECT:
            return ""
        if done.returncode:
            raise LoadRefused(last_words(done.stderr))
        return done.stdout

    def _run(self, command: list[str], text: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            raise LoadRefused(f"không trả lời trong {PATIENCE} giây") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    parser = argparse.ArgumentParser(prog="hanam-ldap-load", description="Đưa danh bạ vào máy chủ LDAP (systemd gọi)")
    kinds = parser.add_subparsers(dest="kind", required=True)
    filling = kinds.add_parser("fill", help="lập cây từ đầu, trước khi slapd chạy")
    following = kinds.add_parser("follow", help="sửa những chỗ khác, khi slapd đang chạy")
    for kind in (filling, following):
        kind.add_argument("entries", type=Path, help="tệp danh bạ do hanam-directory lập")
        kind.add_argument("base", help="gốc của cây, ví dụ dc=hanam,dc=gov,dc=vn")
    filling.add_argument("configuration", type=Path, help="slapd.conf")
    filling.add_argument("folder", type=Path, help="thư mục của cây")
    following.add_argument("socket", type=Path, help="socket của slapd")
    given = parser.parse_args(arguments)
    try:
        octets = given.entries.read_bytes()
    except FileNotFoundError:
        # A host whose first directory is still to be made. One that gets old is told by the watch.
        say(5, f"chưa có danh bạ {given.entries}")
        return 0
    except OSError as error:
        say(3, f"không đọc được danh bạ: {error}")
        return 1
    try:
        if given.kind == "fill":
            fill(octets, given.base, given.configuration, given.folder)
        elif number := follow(octets, given.base, LdapServer(given.socket, given.base)):
            say(6, f"danh bạ LDAP: {number} thay đổi")
    except (LoadRefused, ldap_tree.BadAnswer, OSError) as error:
        say(3, f"chưa đưa hết danh bạ vào máy chủ LDAP, phần đã có vẫn còn: {error}")
        return 1
    except (ValueError, KeyError, TypeError) as error:
        say(3, f"tệp {given.entries} không phải danh bạ: {error!r}")
        return 1
    return 0


def fill(octets: bytes, base: str, configuration: Path, folder: Path) -> None:
    """Make the tree where there is none, in the way that takes seconds. Nothing of it stays where that fails."""
    want = ldap_tree.wanted(unpacked(octets), base)
    command = ["/usr/sbin/slapadd", "-q", "-f", str(configuration)]
    text = "".join(ldap_tree.records(want))
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        for path in folder.iterdir():
            path.unlink()
        raise LoadRefused(last_words(done.stderr))


def follow(octets: bytes, base: str, server: LdapServer) -> int:
    """How many entries were written, of those that the file of entries holds."""
    mark = hashlib.sha256(b"\0".join((octets, base.encode(), _version()))).hexdigest()
    if server.mark() == mark:
        return 0
    want = ldap_tree.wanted(unpacked(octets), base)
    records = list(ldap_tree.changes(server.tree(), want))
    if records:
        server.tell(records)
    server.tell([ldap_tree.marked(base, mark)])
    return len(records)


def _version() -> bytes:
    """A release may make another tree of the same entries."""
    try:
        return hashlib.sha256(Path(sys.argv[0]).read_bytes()).digest()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main())
