"""Renew public certificates when they are due: hanam-tls-renew CONFIGURATION.json ...

The private key is given and stays, so that the TLSA record stays true; certbot gets a request for it.
Old certificate and key stay in use until the new pair is complete. Prints one line for each: what was done and why.

An authority gives nothing for a list of names when it cannot reach one of them. A new name that DNS does not know
yet must not let the certificate of all others run out: that one is then renewed with its own names when it is due. The
program fails all the same, until the new names are granted.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hanam_mail import atomic_file


@dataclass(frozen=True)
class RenewalSettings:
    """What the role wrote: which certificate, from whom, to where."""

    names: list[str]
    directory_url: str
    contact: str
    """The authority's way to the operator; empty for none."""
    webroot: str
    renew_days: int
    """So long before its end a certificate is replaced."""
    key: Path
    public: Path
    """Folder of the pair that daemons read."""
    group: str
    reload: str
    """Command that has the daemons read it."""
    certbot_folder: str = ""
    """Where certbot keeps its account; empty for its own places."""
    suffix: str = ""
    """In the names of the pair's files, where there is a second one: "-rsa"."""

    @property
    def chain_file(self) -> Path:
        """The certificate in use, with its chain."""
        return self.public / f"fullchain{self.suffix}.pem"

    @property
    def key_file(self) -> Path:
        """The key in use."""
        return self.public / f"privkey{self.suffix}.pem"

    @classmethod
    def read(cls, path: Path) -> "RenewalSettings":
        values = json.loads(path.read_text())
        return cls(**{**values, "key": Path(values["key"]), "public": Path(values["public"])})


class CertificateRefused(Exception):
    """The authority gave no certificate; the text is for the operator."""


def openssl(*arguments: str | Path) -> str | None:
    """Standard output of an openssl command, None when it fails."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, text=True)
    return done.stdout if done.returncode == 0 else None


def due(settings: RenewalSettings) -> str | None:
    """Why a new certificate is needed, or None."""
    chain = settings.chain_file
    if not chain.is_file():
        return "there is none"
    if openssl("x509", "-in", chain, "-noout", "-checkend", str(settings.renew_days * 86400)) is None:
        return f"it ends within {settings.renew_days} days"
    if openssl("x509", "-in", chain, "-noout", "-pubkey") != openssl("pkey", "-in", settings.key, "-pubout"):
        return "the key was changed"
    if settings.key_file.read_text() != settings.key.read_text():
        return "the key file was changed"
    if set(covered(settings)) != set(settings.names):
        return "the names were changed"
    return None


def covered(settings: RenewalSettings) -> list[str]:
    """The names of the certificate in use; none without one."""
    text = openssl("x509", "-in", settings.chain_file, "-noout", "-ext", "subjectAltName") or ""
    return [word.strip(", ").removeprefix("DNS:") for word in text.split() if word.startswith("DNS:")]


def request(settings: RenewalSettings, folder: Path) -> Path:
    """A signing request for the given key and names."""
    names = ",".join(f"DNS:{name}" for name in settings.names)
    path = folder / "request.pem"
    made = openssl(
        "req", "-new", "-key", settings.key, "-subj", "/", "-addext", f"subjectAltName={names}", "-out", path
    )
    if made is None:
        sys.exit(f"hanam-tls-renew: no request could be made with the key {settings.key}")
    return path


def obtain(settings: RenewalSettings, folder: Path) -> Path:
    """The new chain, as a file in `folder`; CertificateRefused when the authority gives none."""
    chain = folder / "fullchain.pem"
    contact = ["--email", settings.contact] if settings.contact else ["--register-unsafely-without-email"]
    folders = []
    if settings.certbot_folder:
        for kind in ("config", "work", "logs"):
            folders += [f"--{kind}-dir", f"{settings.certbot_folder}/{kind}"]
    done = subprocess.run(
        [
            "certbot", "certonly", "--non-interactive", "--quiet", "--agree-tos", *contact, *folders,
            "--server", settings.directory_url,
            "--webroot", "--webroot-path", settings.webroot,
            "--csr", request(settings, folder),
            "--cert-path", folder / "cert.pem", "--chain-path", folder / "chain.pem", "--fullchain-path", chain,
        ],
        capture_output=True,
        check=False,
        text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise CertificateRefused(f"{settings.directory_url} gave no certificate:\n{done.stderr.strip()}")
    return chain


def install(settings: RenewalSettings, chain: Path) -> None:
    """Put key and chain in place, each by one rename."""
    for source, place in ((settings.key, settings.key_file), (chain, settings.chain_file)):
        new = place.with_name(f".{place.name}.new")
        new.unlink(missing_ok=True)
        atomic_file.create(new, source.read_bytes(), mode=0o600)
        shutil.chown(new, group=settings.group)
        new.chmod(0o640)
        new.rename(place)
    atomic_file.sync(settings.public)


def replace_pair(settings: RenewalSettings, reason: str) -> None:
    """A new certificate, in place and read by the daemons; CertificateRefused when there is none."""
    with tempfile.TemporaryDirectory(prefix="hanam-tls-") as name:
        # The key that the request is made with goes beside its certificate, whatever is deployed meanwhile.
        key = Path(name) / "key.pem"
        atomic_file.create(key, settings.key.read_bytes(), mode=0o600)
        one = replace(settings, key=key)
        install(one, obtain(one, Path(name)))
    print(f"installed a new certificate: {reason}")
    subprocess.run([settings.reload], check=True)


def keep(settings: RenewalSettings) -> str:
    """Renew the certificate in use with its own names if it is due: what became of it, for the operator.

    CertificateRefused when the authority does not give that either.
    """
    names = covered(settings)
    if not names or set(names) == set(settings.names):
        return ""
    own = replace(settings, names=names)
    reason = due(own)
    if reason is not None:
        replace_pair(own, f"{reason}; for the former names")
    missing = ", ".join(sorted(set(settings.names) - set(names))) or "none"
    return f"\nThe certificate in use is renewed with its former names until then. It lacks: {missing}"


def renew(settings: RenewalSettings) -> str:
    """Renew one certificate if it is due; what went wrong, for the operator, or nothing."""
    reason = due(settings)
    if reason is None:
        print("nothing to do")
        return ""
    try:
        replace_pair(settings, reason)
    except CertificateRefused as refused:
        try:
            kept = keep(settings)
        except CertificateRefused:
            # With its own names neither: the first answer says it all.
            kept = ""
        return f"{refused}{kept}"
    return ""


def main() -> int:
    # One that is refused hinders no other.
    faults = [renew(RenewalSettings.read(Path(path))) for path in sys.argv[1:]]
    if any(faults):
        sys.exit("".join(f"hanam-tls-renew: {fault}\n" for fault in faults if fault).rstrip())
    return 0
