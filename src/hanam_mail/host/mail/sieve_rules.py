"""What a person's Sieve script may not do, told from its text: lead mail to where the regulation forbids it (Đ4.5).

The text is split as Pigeonhole splits it (sieve-lexer.c). Where the two could differ, Pigeonhole takes no such script,
or this refuses it; what slips past all the same is refused when mail is delivered (sieve_mail.py).
"""

import re
from collections.abc import Collection, Iterator

# Comments and blanks go. Strings are kept apart, since nothing in them is a command. What has no end goes to the end of
# the script, which Pigeonhole then refuses.
_TOKEN = re.compile(
    rb"(?:[ \t\r\n]+|#[^\n]*|/\*.*?(?:\*/|\Z))"
    rb'|"(?P<quoted>(?:\\.|[^"\\])*)(?:"|\\?\Z)'
    rb"|text:[ \t]*\r?(?:#[^\n]*)?\n(?P<text>.*?)(?:(?<=\n)\.\r?\n|\Z)"
    rb"|(?P<word>:?[a-z_][a-z0-9_]*)"
    rb"|(?P<other>[0-9]+[kmg]?|.)",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"@$]+@((?:[a-z0-9-]+\.)*[a-z0-9-]+)", re.IGNORECASE)

type _Token = tuple[str, bytes]


def may_redirect_to(address: str, domains: Collection[str]) -> bool:
    """Whether mail may be led to the address: one of the domains, or below one."""
    found = _ADDRESS.fullmatch(address)
    return found is not None and any(f".{found[1].lower()}".endswith(f".{each}") for each in domains)


def fault(script: bytes, domains: Collection[str]) -> str | None:
    """Why the script may not be stored, for its owner; None when it may."""
    tokens = list(_tokens(script))
    for place, token in enumerate(tokens):
        if token != ("word", b"redirect"):
            continue
        # Up to the end of the command there are tags (:copy) and the one string.
        target = ""
        for number in range(place + 1, len(tokens)):
            kind, value = tokens[number]
            if kind == "string" and not target:
                target = value.decode("utf-8", "replace")
            elif (kind, value) == ("other", b";"):
                break
            elif kind != "word" or not value.startswith(b":"):
                target = ""
                break
        if not _ADDRESS.fullmatch(target):
            return "Lệnh chuyển tiếp (redirect) phải ghi rõ đúng một địa chỉ, không dùng biến (Điều 4 khoản 5)."
        if not may_redirect_to(target, domains):
            where = ", ".join(domains)
            return (
                f"Không được tự động chuyển tiếp thư đến {target}: chỉ được chuyển đến hộp thư của cơ quan nhà nước"
                f" ({where}) (Điều 4 khoản 5)."
            )
    return None


def _tokens(script: bytes) -> Iterator[_Token]:
    for found in _TOKEN.finditer(script):
        if found["quoted"] is not None:
            yield "string", re.sub(rb"\\(.)", rb"\1", found["quoted"], flags=re.DOTALL)
        elif found["text"] is not None:
            yield "string", re.sub(rb"(?m)^\.\.", b".", found["text"])
        elif found["word"]:
            yield "word", found["word"].lower()
        elif found["other"]:
            yield "other", found["other"]
