"""Tells Postfix how mail for a domain has to be encrypted: `hanam-tls-policy SOCKET` (role tls_policy).

Postfix asks before it delivers, by its socketmap protocol. DANE comes first (RFC 8461, 2): where all exchangers have
it, Postfix's own level is enough. Else the domain's MTA-STS policy counts, which the resolver of role sts_resolver
fetches; SOCKET is that resolver's. Where some exchangers have DANE and a policy asks for verified TLS, mail goes to
these alone. Of the policy only names of hosts are handed on: a stranger wrote it. Whatever cannot be told now makes
mail wait.
"""

import argparse
import asyncio
import ipaddress
import re
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import dns.name

from hanam_mail.host import domain_names
from hanam_mail.host.dane import Names, UnclearError
from hanam_mail.host.service import Program, say, tell_systemd

# Postfix waits 100 s for an answer (dict_sockmap.c).
ANSWER_SECONDS = 60.0
# Postfix closes a connection that it does not use after 10 s.
IDLE_SECONDS = 120.0
# Octets: a domain has 253, in UTF-8 perhaps more; Postfix takes no longer reply than the second.
REQUEST = 1024
REPLY = 100_000
# More than Postfix has processes that send (default_process_limit, for smtp and relay).
CONNECTIONS = 200
# Names of a policy.
NAMES = 100
# Asked of the MTA-STS resolver at once; a policy takes up to 4 MB of its memory.
QUESTIONS = 50
# How often operators are told of a domain that its policy is not in force, and of how many in that time.
TOLD_SECONDS = 3600.0
TOLD = 1000

NOTFOUND = "NOTFOUND "

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+$){_LABEL}")

# --- Names ---


def is_host(name: str) -> bool:
    """Whether it is a name of a host in lower case: letters, digits and hyphens, and no address."""
    return len(name) <= 253 and _HOST.fullmatch(name) is not None


def plain_domain(key: str) -> str | None:
    """The domain that Postfix asks for, as DNS has it; None where the key is another form of next hop.

    Postfix asks for [host], host:port and addresses by the same map, and for `.parent` after each domain.
    """
    if key.startswith((".", "[")):
        return None
    try:
        # What these rules refuse, Postfix does.
        domain = domain_names.in_ascii(key).removesuffix(".")
    except domain_names.DomainTooLong:
        return None
    except UnicodeError as error:
        raise UnclearError("the domain cannot be written in ASCII") from error
    # Postfix takes an underscore for a letter (valid_hostname.c).
    return domain if is_host(domain.replace("_", "a")) else None


# --- Netstrings (the socketmap protocol) ---


def netstring(text: str) -> bytes:
    """The text as it is sent."""
    octets = text.encode()
    return b"%d:%s," % (len(octets), octets)


async def read_netstring(reader: asyncio.StreamReader, most: int) -> bytes | None:
    """The next one; None at the end. ValueError or EOFError where it is something else, or longer than `most`."""
    digits = b""
    while (octet := await reader.read(1)) != b":":
        if not octet and not digits:
            return None
        if not octet.isdigit() or len(digits) == len(str(most)):
            raise ValueError("this is no netstring")
        digits += octet
    if not digits or int(digits) > most:
        raise ValueError("this is no netstring of that length")
    octets = await reader.readexactly(int(digits) + 1)
    if not octets.endswith(b","):
        raise ValueError("this netstring has no end")
    return octets[:-1]


# --- MTA-STS ---


def rebuilt(domain: str, answer: str) -> str:
    """The resolver's answer made anew of the host names in it, since all else of it may be a stranger's words.

    The attributes that reports are made of (TLSRPT) are what makes Postfix 3.10 look at the exchangers' names.
    """
    words = answer.partition("{")[0].split()
    if words[:1] != ["secure"] or f"policy_domain={domain}" not in words:
        raise UnclearError("the answer of the MTA-STS resolver is none")
    patterns = [
        value.lower().removesuffix(".")
        for name, _, value in (word.partition("=") for word in words)
        if name == "mx_host_pattern"
    ]
    valid = [pattern for pattern in patterns if is_host(pattern.removeprefix("*."))]
    names = list(dict.fromkeys(valid))[:NAMES]
    if not names:
        raise UnclearError("the MTA-STS policy names no exchanger")
    match = ":".join(name.removeprefix("*") for name in names)
    return " ".join(
        [
            f"secure match={match} servername=hostname policy_type=sts policy_domain={domain}",
            *(f"mx_host_pattern={name}" for name in names),
        ]
    )


class Resolver:
    """The MTA-STS resolver on this host, by its socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._questions = asyncio.Semaphore(QUESTIONS)

    async def policy(self, domain: str) -> str | None:
        """What the domain's policy demands, as Postfix wants it said; None without one that is to be enforced."""
        try:
            async with self._questions, asyncio.timeout(self._seconds):
                reply = await self._ask(domain)
        except (OSError, EOFError, ValueError) as error:
            raise UnclearError(f"the MTA-STS resolver: {str(error) or type(error).__name__}") from error
        result, _, text = reply.partition(" ")
        if result == "OK":
            return rebuilt(domain, text)
        if result != "NOTFOUND":
            raise UnclearError(f"the MTA-STS resolver says {reply}")
        return None

    async def _ask(self, domain: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            writer.write(netstring(f"policy {domain}"))
            reply = await read_netstring(reader, REPLY)
        finally:
            writer.close()
        if reply is None:
            raise EOFError("it hung up")
        return reply.decode("ascii", "replace")


# --- What Postfix asks ---


class PolicyServer:
    """Answers Postfix; a domain that takes its time keeps nobody else waiting."""

    def __init__(self, names: Names, resolver: Resolver, seconds: float = ANSWER_SECONDS) -> None:
        self._names = names
        self._resolver = resolver
        self._seconds = seconds
        self._open = 0
        self._told: dict[str, float] = {}

    async def policy(self, domain: str) -> str | None:
        """The level and its attributes; None where Postfix's own level, DANE if there is any, is right."""
        exchangers = await self._names.exchangers(domain)
        if exchangers is None or exchangers.proven == exchangers.count:
            return None
        policy = await self._resolver.policy(domain)
        if policy is None:
            await self._look_for_a_record(domain)
        if exchangers.proven:
            # Of the others DANE proves none, and it must not be set aside for a policy.
            return "dane-only" if policy else None
        # One that DNS tells nothing of may have DANE. Where no address is known Postfix cannot send anyhow.
        if exchangers.silent + exchangers.unreachable == exchangers.count or (policy and exchangers.silent):
            raise UnclearError("DNS on its exchangers is silent")
        return policy

    async def _look_for_a_record(self, domain: str) -> None:
        """Make sure that DNS says whether the domain has a policy: the resolver takes its silence for a no."""
        try:
            name = dns.name.from_text(f"_mta-sts.{domain}")
        except dns.name.NameTooLong:
            return
        found = await self._names.ask(name, "TXT")
        if any(b"".join(record.strings).startswith(b"v=STSv1") for record in found.records):
            self._tell(domain)

    def _tell(self, domain: str) -> None:
        now = time.monotonic()
        if now - self._told.get(domain, -TOLD_SECONDS) < TOLD_SECONDS:
            return
        self._told = {name: when for name, when in self._told.items() if now - when < TOLD_SECONDS}
        if len(self._told) < TOLD:
            self._told[domain] = now
            say(5, f"{domain} has an MTA-STS record, but no policy in force: not to be had, or mode testing or none")

    async def answer(self, request: str) -> str:
        """The reply to one request, `<map> <key>`."""
        key = request.partition(" ")[2]
        try:
            domain = plain_domain(key)
            if domain is None:
                return NOTFOUND
            async with asyncio.timeout(self._seconds):
                policy = await self.policy(domain)
        except (UnclearError, TimeoutError) as error:
            reason = _printable(str(error) or f"no answer within {self._seconds:.0f} s")
            say(5, f"mail for {_printable(key)} waits: {reason}")
            return f"TEMP {reason}"
        return f"OK {policy}" if policy else NOTFOUND

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request. Who is one too many, or speaks otherwise, is cut off: mail waits."""
        self._open += 1
        try:
            while self._open <= CONNECTIONS:
                async with asyncio.timeout(IDLE_SECONDS):
                    request = await read_netstring(reader, REQUEST)
                if request is None:
                    break
                writer.write(netstring(await self.answer(request.decode())))
                async with asyncio.timeout(IDLE_SECONDS):
                    await writer.drain()
            else:
                say(5, f"{CONNECTIONS} connections are open: one more is cut off")
        except (OSError, EOFError, ValueError) as error:
            say(5, f"a connection is cut off: {_printable(str(error) or type(error).__name__)}")
        finally:
            self._open -= 1
            writer.close()


def _printable(text: str) -> str:
    return re.sub("[^ -~]", "?", text)[:200]


async def run(door: PolicyServer, listening: socket.socket, program: Program) -> None:
    """Until the unit is stopped or the program is replaced. Whoever comes between two runs waits at systemd's door."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_unix_server(door.serve, sock=listening, cleanup_socket=False)
    tell_systemd("READY=1")
    while not stop.is_set() and not program.replaced:
        tell_systemd("WATCHDOG=1")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)
    # Postfix asks anew, once, when it is cut off in the middle of a question.
    server.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    parser = argparse.ArgumentParser(prog="hanam-tls-policy", description="trả lời Postfix về TLS khi gửi thư ra ngoài")
    parser.add_argument("resolver", type=Path)
    parser.add_argument("--name-server", type=ipaddress.ip_address, required=True)
    parser.add_argument("--resolver-seconds", type=float, required=True)
    options = parser.parse_args(arguments)
    program = Program(Path(sys.argv[0]))
    door = PolicyServer(Names(str(options.name_server)), Resolver(options.resolver, options.resolver_seconds))
    # The first socket that systemd hands over (sd_listen_fds(3)).
    asyncio.run(run(door, socket.socket(fileno=3), program))
    return 0
