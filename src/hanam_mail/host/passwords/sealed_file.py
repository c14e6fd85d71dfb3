"""The sealed file in which first passwords leave the accounts host: JSON, encrypted by age to the operators' keys.

It goes to age on standard input and never stands on a disk in clear. A file is whole on the disk (fsync of file and
folder) before the transaction that gives its passwords commits; that transaction writes its name to mail.handover. So a
file without a row is what an interrupted run left, and opens nothing.

    {"format": 1, "made": "2026-11-25T08:30:12+07:00", "by": "...", "commit": "...", "domain": "hanam.gov.vn",
     "slips": [{"agency": "stttt", "agency_name": "...", "address": "...", "name": "...", "password": "...",
                "event": "issue" | "restore" | "reset"}]}
"""

import json
import re
import secrets
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host import places

FOLDER = places.HANDOVER_FOLDER
FORMAT = 1
# An age key, or an ssh key, which age takes too.
RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( .*)?")


class HandoverError(Exception):
    """The file cannot be made; the text says why, in Vietnamese."""


@dataclass(frozen=True)
class Slip:
    """One person's slip. `agency` is its code, `event` what gave the password: issue, restore or reset."""

    agency: str
    agency_name: str
    address: str
    name: str
    password: str
    event: str


def new_name() -> str:
    """A name that no other file has, in the order of time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.age"


def text(slips: Iterable[Slip], *, by: str, commit: str, domain: str) -> bytes:
    """The file's content before it is sealed."""
    made = datetime.now().astimezone().isoformat(timespec="seconds")
    content = {
        "format": FORMAT,
        "made": made,
        "by": by,
        "commit": commit,
        "domain": domain,
        "slips": [asdict(slip) for slip in slips],
    }
    return json.dumps(content, ensure_ascii=False).encode()


def check_recipients(recipients: Sequence[str]) -> None:
    """Raise HandoverError unless there are keys to seal to and all of them look like keys."""
    if not recipients:
        raise HandoverError(
            "chưa có khóa công khai của người vận hành (mailboxes_operator_keys): "
            "không có khóa thì không niêm phong được mật khẩu ban đầu"
        )
    for recipient in recipients:
        if not RECIPIENT.fullmatch(recipient):
            raise HandoverError(f"mailboxes_operator_keys: {recipient!r} không phải khóa công khai của age hay ssh")


def command(recipients: Sequence[str]) -> list[str]:
    """The words of a command that encrypts its input to the recipients; HandoverError as `check_recipients`."""
    check_recipients(recipients)
    return ["age", "--encrypt", *(word for recipient in recipients for word in ("--recipient", recipient))]


def seal(data: bytes, recipients: Sequence[str]) -> bytes:
    """`data` encrypted to the recipients; anyone of them can open it."""
    done = subprocess.run(command(recipients), input=data, capture_output=True, check=False)
    if done.returncode:
        raise HandoverError(f"age: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def write(name: str, sealed: bytes, folder: Path = FOLDER) -> Path:
    """Put the sealed file on the disk, mode 0600, file and folder flushed; on failure nothing stays behind."""
    path = folder / name
    try:
        _write(path, sealed)
    except OSError as error:
        raise HandoverError(f"không ghi được tệp bàn giao {path}: {error.strerror}") from error
    return path


def _write(path: Path, sealed: bytes) -> None:
    folder = path.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    atomic_file.create(path, sealed, mode=0o600)
    try:
        for directory in (folder, folder.parent):
            atomic_file.sync(directory)
    except BaseException:
        path.unlink()
        raise


def orphans(known: Iterable[str], folder: Path = FOLDER) -> list[Path]:
    """Files of the folder that no completed run made."""
    names = set(known)
    return sorted(path for path in folder.glob("*") if path.name not in names) if folder.is_dir() else []
