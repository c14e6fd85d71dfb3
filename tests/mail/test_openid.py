"""Tokens as Dovecot judges them, and whom the accounts database lets in by one (record 0082).

Sign-in by tokens is off in the lab. So a second Dovecot that does nothing but sign-in runs beside the host's own, with
the role's configuration for it, the host's accounts database, and keys of the test. It is asked as Postfix and the mail
store's processes ask.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hanam_mail.host import openid_keys
from tests.lab import Lab, Sample, wait_for
from tests.people import People
from tests.render.conftest import Environment
from tests.tokens import Signer, coded, keyed, unsigned

ISSUER, CLIENT = "https://dang-nhap.example/", "thu-dien-tu"
PLACE = "/run/hanam-test-openid"
KEYS = "/var/lib/hanam-openid/keys"
BROWSER = "203.0.113.7"
# One line for each question: its number, the answer. What is asked comes by standard input, not by an argument.
ASK = f"""
import json, os, socket
with socket.socket(socket.AF_UNIX) as client:
    client.connect("{PLACE}/run/auth-client")
    lines = client.makefile("rw", encoding="utf-8", newline="\\n")
    lines.write(f"VERSION\\t1\\t2\\nCPID\\t{{os.getpid()}}\\n")
    lines.flush()
    while lines.readline() != "DONE\\n":
        pass
    for number, words in enumerate(json.loads(QUESTIONS), 1):
        lines.write("\\t".join(["AUTH", str(number), *words]) + "\\n")
        lines.flush()
        print(lines.readline(), end="")
"""


@dataclass(frozen=True)
class Store:
    """The Dovecot of the test."""

    lab: Lab

    def ask(self, *questions: list[str]) -> list[str]:
        """What it answers each question, without its number: OK or FAIL, and the words with it."""
        program = ASK.replace("QUESTIONS", repr(json.dumps(questions)))
        said = self.lab.run("mailstore", f"python3 - <<'PROGRAM'\n{program}\nPROGRAM").splitlines()
        assert len(said) == len(questions)
        return [f"{line.split()[0]}\t{line.partition('\t')[2].partition('\t')[2]}" for line in said]


def by(mechanism: str, response: str, service: str, *place: str) -> list[str]:
    """The words of a question."""
    return [
        mechanism, f"service={service}", "secured=tls", "final-resp-ok", *place,
        f"resp={base64.b64encode(response.encode()).decode()}",
    ]  # fmt: skip


def bearing(user: str, token: str, service: str = "imap", *place: str) -> list[str]:
    """By a token; without a place as the webmail, which speaks for a browser."""
    place = place or (f"rip={BROWSER}", "real_rip=127.0.0.1")
    return by("XOAUTH2", f"user={user}\x01auth=Bearer {token}\x01\x01", service, *place)


@pytest.fixture(scope="module")
def signers() -> dict[str, Signer]:
    return {algorithm: Signer(algorithm, f"kh/oa+{algorithm}==") for algorithm in ("RS256", "ES256")}


@pytest.fixture(scope="module")
def store(lab: Lab, tmp_path_factory: pytest.TempPathFactory, signers: Mapping[str, Signer]) -> Iterator[Store]:
    """Runs while the tests of this file do."""
    service = {"issuer": ISSUER, "authorize": "", "token": "", "jwks": "", "client": CLIENT, "claim": "email"}
    secrets = {name: value for name, value in lab.variables.items() if name.startswith("vault_")}
    given = {
        "webmail_openid": service,
        "dovecot_auth_only": True,
        "dovecot_postfix_queue": "",
        "dovecot_agent_group": "",
    }
    there = Environment(lab.topology.stem, tmp_path_factory.mktemp("rendered"), secrets | given)
    host = lab.host("mailstore")
    text = there.render("dovecot", "dovecot.conf.j2", host)
    for former, ours in ((KEYS, f"{PLACE}/keys"), ("!include /etc/dovecot/", f"!include {PLACE}/")):
        assert former in text
        text = text.replace(former, ours)
    # Refusals come at once, and its words lie beside it: the host's journal is for the host's own.
    text += f"\nbase_dir = {PLACE}/run\nstate_dir = {PLACE}/run\nlog_path = {PLACE}/log\nauth_failure_delay = 0\n"
    files = {"dovecot.conf": text, "passdb.conf": there.render("dovecot", "passdb.conf.j2", host)}
    keys, _ = openid_keys.read(json.dumps({"keys": [signer.jwk() for signer in signers.values()]}).encode())
    files |= {f"keys/{party}/{name}": pem for party in ("default", CLIENT) for name, pem in keys.items()}
    for name, body in files.items():
        path = f"{PLACE}/{name}"
        lab.run("mailstore", f"umask 022; mkdir -p $(dirname {path}); cat > {path} <<'TEXT'\n{body}\nTEXT")
    lab.run("mailstore", f"chmod 0600 {PLACE}/passdb.conf; doveconf -n -c {PLACE}/dovecot.conf >/dev/null")
    unit = "hanam-test-openid"
    lab.run("mailstore", f"systemd-run --quiet --unit={unit} /usr/sbin/dovecot -F -c {PLACE}/dovecot.conf")
    try:
        wait_for(lambda: lab.look_at("mailstore").file(f"{PLACE}/run/auth-client").is_socket, "its socket")
        yield Store(lab)
    finally:
        lab.run("mailstore", f"systemctl stop {unit}; cp {PLACE}/log /root/openid.log; rm -r {PLACE}")


def claims(address: str, **other: Any) -> dict[str, Any]:
    """What the issuer says of somebody; None leaves a claim out."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": [CLIENT], "sub": "u1", "email": address, "scope": "openid email",
            "iat": now - 5, "exp": now + 600} | other  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def test_a_token_of_the_issuer_opens_its_persons_mailbox_and_no_forged_or_foreign_one_does(
    store: Store, person: Sample, colleague: Sample, signers: Mapping[str, Signer]
) -> None:
    rsa, ec, now = signers["RS256"], signers["ES256"], int(time.time())
    ours, stranger = claims(person.address), Signer("RS256", rsa.name)
    header, good = {"alg": "none", "kid": rsa.name}, rsa.sign(ours)
    body, signature = unsigned({"alg": "RS256", "kid": rsa.name}, claims(colleague.address)), good.split(".")[2]
    taken = {
        "RS256": good,
        "ES256": ec.sign(ours),
        "for us alone": rsa.sign(ours | {"azp": CLIENT}),
        "for us as one": rsa.sign(ours | {"aud": CLIENT}),
    }
    refused = {
        "alg none": f"{unsigned(header, ours)}.",
        "alg none with a signature": f"{unsigned(header, ours)}.{signature}",
        "HS256 with the public key": keyed({"kid": rsa.name}, ours, rsa.pem),
        "HS256 with the key's text": keyed({"kid": rsa.name}, ours, rsa.pem.strip()),
        "RS512 in name": rsa.sign(ours, alg="RS512"),
        "PS256 in name": rsa.sign(ours, alg="PS256"),
        "ES256 in name, of an RSA key": rsa.sign(ours, alg="ES256"),
        "another's key of the same name": stranger.sign(ours),
        "unknown key": Signer("RS256", "khoa-khac").sign(ours),
        "no name of a key": rsa.sign(ours, kid=None),
        "a path for a key": rsa.sign(ours, kid="../../../../etc/ssl/certs/ca-certificates.crt"),
        "another's claims under our signature": f"{body}.{signature}",
        "no signature": good.rpartition(".")[0] + ".",
        "a broken signature": good.rpartition(".")[0] + "." + coded(b"\0" * 256),
        "expired": rsa.sign(ours | {"exp": now - 1}),
        "without an end": rsa.sign(claims(person.address, exp=None)),
        "not yet": rsa.sign(ours | {"nbf": now + 300}),
        "made tomorrow": rsa.sign(ours | {"iat": now + 300}),
        "another issuer": rsa.sign(ours | {"iss": "https://dang-nhap.example"}),
        "no issuer": rsa.sign(claims(person.address, iss=None)),
        "for another client": rsa.sign(ours | {"aud": ["lich-cong-tac"]}),
        "for nobody": rsa.sign(claims(person.address, aud=None)),
        "given to another client": rsa.sign(ours | {"azp": "lich-cong-tac"}),
        "who signed in, which is not for services": rsa.sign(claims(person.address, scope=None)),
        "for other services": rsa.sign(ours | {"scope": "email"}),
        "somebody else": rsa.sign(claims(colleague.address)),
        "nobody": rsa.sign(claims(person.address, email=None)),
        "two people": rsa.sign(ours | {"email": [person.address, colleague.address]}),
        "a name of two": rsa.sign(ours | {"email": f"{person.address}\t{colleague.address}"}),
        "in capitals": rsa.sign(claims(person.address.upper())),
        "no token": "abc",
        "nothing": "",
    }  # fmt: skip
    answers = store.ask(*(bearing(person.address, token) for token in (*taken.values(), *refused.values())))
    told = dict(zip((*taken, *refused), answers, strict=True))
    assert {name for name, answer in told.items() if answer.startswith("OK")} == set(taken), told
    assert all(f"user={person.mailbox}" in told[name].split("\t") for name in taken)


def test_the_accounts_database_decides_whom_a_valid_token_lets_in_and_where(
    store: Store, lab: Lab, people: People, signers: Mapping[str, Signer]
) -> None:
    person, delegation, domain = people.take(), people.delegation(), lab.variables["mail_domain"]
    sign = signers["ES256"].sign
    agency, clerk = delegation.agency, delegation.clerk.address
    nobodies = [
        f"khong.co@{domain}", f"{person.address}.vn", f"{person.address.partition('@')[0]}@khac.example",
        person.mailbox, person.address.replace("@", "+a@"), agency, f"{agency}*{clerk}",
    ]  # fmt: skip
    answers = store.ask(*(bearing(name, sign(claims(name))) for name in nobodies))
    assert [answer.split("\t")[0] for answer in answers] == ["FAIL"] * len(nobodies)

    token, webmail = sign(claims(person.address)), lab.address("webmail")
    doors = {
        "in the webmail": bearing(person.address, token),
        "sends from the webmail": bearing(person.address, token, "smtp", f"rip={webmail}"),
        "files from the webmail": bearing(person.address, token, "sieve", f"rip={webmail}"),
        "a mail program": bearing(person.address, token, "imap", f"rip={BROWSER}", f"real_rip={BROWSER}"),
        "sends from elsewhere": bearing(person.address, token, "smtp", f"rip={BROWSER}"),
        "POP3 of the webmail's host": bearing(person.address, token, "pop3", f"rip={webmail}"),
        "the token as a password": by("PLAIN", f"\0{person.address}\0{token}", "imap", f"rip={BROWSER}"),
        "the password": by("PLAIN", f"\0{person.address}\0{person.password}", "imap", f"rip={BROWSER}"),
    }
    told = dict(zip(doors, store.ask(*doors.values()), strict=True))
    assert {name for name, answer in told.items() if answer.startswith("OK")} == {
        "in the webmail", "sends from the webmail", "files from the webmail", "the password",
    }, told  # fmt: skip

    # At once: nothing is remembered of a token, so nobody has to make it forgotten.
    lab.sql(f"select from mail.mailbox_lock('{person.mailbox}', 'compromised', '')")
    shut, sends, files = store.ask(*list(doors.values())[:3])
    assert shut.startswith("OK")
    assert "nologin" in shut
    assert "[locked:compromised]" in shut
    assert sends.startswith("FAIL")
    assert "nologin" in files
