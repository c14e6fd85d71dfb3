"""Renew the public certificate when it is due: hanam-tls-renew CONFIGURATION.json

The private key is given and stays, so that the TLSA record stays true; certbot gets a request for it.
Old certificate and key stay in use until the new pair is complete. Prints one line: what was done and why.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def openssl(*arguments, data=None):
    """Standard output of an openssl command, None when it fails."""
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def due(settings):
    """Why a new certificate is needed, or None."""
    chain = Path(settings["public"], "fullchain.pem")
    if not chain.is_file():
        return "there is none"
    if openssl("x509", "-in", chain, "-noout", "-checkend", str(settings["renew_days"] * 86400)) is None:
        return f"it ends within {settings['renew_days']} days"
    key = Path(settings["key"])
    if openssl("x509", "-in", chain, "-noout", "-pubkey") != openssl("pkey", "-in", key, "-pubout"):
        return "the key was changed"
    if Path(settings["public"], "privkey.pem").read_text() != key.read_text():
        return "the key file was changed"
    text = openssl("x509", "-in", chain, "-noout", "-ext", "subjectAltName") or ""
    covered = {word.strip(", ").removeprefix("DNS:") for word in text.split() if word.startswith("DNS:")}
    if covered != set(settings["names"]):
        return "the names were changed"
    return None


def request(settings, folder):
    """A signing request for the given key and names."""
    names = ",".join(f"DNS:{name}" for name in settings["names"])
    path = folder / "request.pem"
    made = openssl(
        "req", "-new", "-key", settings["key"], "-subj", "/", "-addext", f"subjectAltName={names}", "-out", path
    )
    if made is None:
        sys.exit(f"hanam-tls-renew: no request could be made with the key {settings['key']}")
    return path


def obtain(settings, folder):
    """The new chain, as a file in `folder`."""
    chain = folder / "fullchain.pem"
    contact = ["--email", settings["contact"]] if settings["contact"] else ["--register-unsafely-without-email"]
    folders = []
    if settings.get("certbot_folder"):
        for kind in ("config", "work", "logs"):
            folders += [f"--{kind}-dir", f"{settings['certbot_folder']}/{kind}"]
    done = subprocess.run(
        [
            "certbot", "certonly", "--non-interactive", "--quiet", "--agree-tos", *contact, *folders,
            "--server", settings["directory_url"],
            "--webroot", "--webroot-path", settings["webroot"],
            "--csr", request(settings, folder),
            "--cert-path", folder / "cert.pem", "--chain-path", folder / "chain.pem", "--fullchain-path", chain,
        ],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"hanam-tls-renew: {settings['directory_url']} gave no certificate:\n{done.stderr.strip()}")
    return chain


def install(settings, chain):
    """Put key and chain in place, each by one rename."""
    for source, name in ((Path(settings["key"]), "privkey.pem"), (chain, "fullchain.pem")):
        handle, temporary = tempfile.mkstemp(dir=settings["public"], prefix=f".{name}.")
        with os.fdopen(handle, "w") as file:
            file.write(source.read_text())
            file.flush()
            os.fsync(file.fileno())
        shutil.chown(temporary, group=settings["group"])
        os.chmod(temporary, 0o640)
        os.rename(temporary, Path(settings["public"], name))


def main():
    settings = json.loads(Path(sys.argv[1]).read_text())
    reason = due(settings)
    if reason is None:
        print("nothing to do")
        return
    with tempfile.TemporaryDirectory(prefix="hanam-tls-") as name:
        install(settings, obtain(settings, Path(name)))
    print(f"installed a new certificate: {reason}")
    subprocess.run([settings["reload"]], check=True)
