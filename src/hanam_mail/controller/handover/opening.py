"""The operator's side of a sealed handover file: opening it, sealing what was made of it again.

What is opened stays in memory; see handover.py for the form of the file.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyrage

from hanam_mail.errors import InputError, Problem
from hanam_mail.host.passwords.sealed_file import FORMAT, Slip

# Of each mount of this machine: where it is and what file system.
MOUNTS = Path("/proc/self/mountinfo")
_SEALED = b"age-encryption.org/v1"
_AGE_KEY = "AGE-SECRET-KEY-"


def in_memory(path: Path, mounts: Path | None = None) -> bool:
    """Whether what is written there stays off every disk; False when the machine does not tell."""
    try:
        lines = (mounts or MOUNTS).read_text("utf-8").splitlines()
    except OSError:
        return False
    place, kind = Path("/"), ""
    for line in lines:
        words = line.split()
        mount = Path(words[4].replace("\\040", " "))
        # A later mount hides an earlier one at the same place.
        if path.resolve().is_relative_to(mount) and mount.is_relative_to(place):
            place, kind = mount, words[words.index("-") + 1]
    return kind in ("tmpfs", "ramfs")


@dataclass(frozen=True)
class Handover:
    """An opened file."""

    made: datetime
    by: str
    domain: str
    slips: tuple[Slip, ...]


class OperatorKey:
    """An operator's key: age's own form, in a file that may be locked by a passphrase itself, or an ssh key."""

    def __init__(self, path: Path, passphrase: Callable[[], str]) -> None:
        """Read the key; `passphrase` is asked where the file is locked. Raises InputError."""
        data = path.read_bytes()
        try:
            if data.startswith(_SEALED):
                data = pyrage.passphrase.decrypt(data, passphrase())
            lines = data.decode().splitlines()
            own = [line.strip() for line in lines if line.startswith(_AGE_KEY)]
            self._identities = [pyrage.x25519.Identity.from_str(line) for line in own] or [
                pyrage.ssh.Identity.from_buffer(data)
            ]
            self.recipients = [identity.to_public() for identity in self._identities] if own else []
        except (pyrage.DecryptError, pyrage.IdentityError, ValueError) as error:
            raise _problem(path, "không phải khóa bí mật của age hay ssh, hoặc mật khẩu khóa sai") from error

    def open(self, path: Path) -> Handover:
        """The content of a handover file; raises InputError when this key does not open it."""
        try:
            data = json.loads(pyrage.decrypt(path.read_bytes(), self._identities))
            if data["format"] != FORMAT:
                raise _problem(path, f"tệp bàn giao dạng {data['format']}, chương trình này chỉ đọc dạng {FORMAT}")
            slips = tuple(Slip(**slip) for slip in data["slips"])
            return Handover(datetime.fromisoformat(data["made"]), data["by"], data["domain"], slips)
        except pyrage.DecryptError as error:
            raise _problem(path, "khóa này không mở được tệp: tệp hỏng hoặc niêm phong cho khóa khác") from error
        except (KeyError, TypeError, ValueError) as error:
            raise _problem(path, "mở được nhưng không phải tệp bàn giao mật khẩu") from error


def recipient(text: str) -> object:
    """A public key to seal to, of age or ssh; raises InputError."""
    try:
        return (pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient).from_str(text)
    except (pyrage.RecipientError, ValueError) as error:
        raise InputError([Problem(text, 0, "", "không phải khóa công khai của age hay ssh")]) from error


def seal(data: bytes, recipients: Sequence[object]) -> bytes:
    """`data` encrypted to the recipients."""
    return bytes(pyrage.encrypt(data, list(recipients)))


def _problem(path: Path, text: str) -> InputError:
    return InputError([Problem(str(path), 0, "", text)])
