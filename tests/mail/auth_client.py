"""Signs in over Dovecot's own socket, as its login processes do, for any source address. Runs on the mail store.

Reads lines of JSON from standard input, [login, password, address, protocol], and asks about so many of them at once
as its one argument says; writes one line of JSON: how many were accepted, refused (with nologin: told why), and by
which numbers of line, the seconds it took, and the longest answer.
"""

import base64
import json
import socket
import sys
import time


def sign_in(tries: list[list[str]], at_once: int) -> dict[str, object]:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect("/run/dovecot/auth-client")
    stream = connection.makefile("rb")
    connection.sendall(b"VERSION\t1\t2\nCPID\t%d\n" % (time.time_ns() % 2**31))
    while stream.readline() != b"DONE\n":
        pass
    accepted: list[int] = []
    told: list[int] = []
    asked: dict[int, float] = {}
    longest, refused, following = 0.0, 0, 0
    started = time.monotonic()
    while following < len(tries) or asked:
        while following < len(tries) and len(asked) < at_once:
            login, password, address, protocol = tries[following]
            following += 1
            token = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
            asked[following] = time.monotonic()
            connection.sendall(
                f"AUTH\t{following}\tPLAIN\tservice={protocol}\tsecured\trip={address}\tlip=127.0.0.1\tlport=993\t"
                f"resp={token}\n".encode()
            )
        words = stream.readline().decode().rstrip("\n").split("\t")
        if words[0] not in ("OK", "FAIL"):
            raise SystemExit(f"Dovecot said {words}")
        number = int(words[1])
        longest = max(longest, time.monotonic() - asked.pop(number))
        if words[0] == "FAIL":
            refused += 1
        elif "nologin" in words:
            told.append(number - 1)
        else:
            accepted.append(number - 1)
    return {
        "accepted": accepted,
        "told": told,
        "refused": refused,
        "seconds": time.monotonic() - started,
        "longest": longest,
    }


if __name__ == "__main__":
    print(json.dumps(sign_in([json.loads(line) for line in sys.stdin], int(sys.argv[1]))))
