"""What a person's Sieve script may not do, told from its text: lead mail away (Đ4.5), answer as somebody else (Đ4.6).

The text is split as Pigeonhole splits it (sieve-lexer.c). Where the two could differ, Pigeonhole takes no such script,
or this refuses it; what slips past all the same is refused when mail is delivered (sieve_mail.py).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

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

LEADING = frozenset(
    {
        b"enotify",
        b"notify",
        b"extlists",
        b"extracttext",
        b"enclose",
        b"vnd.dovecot.report",
        b"vnd.dovecot.pipe",
        b"vnd.dovecot.filter",
        b"vnd.dovecot.execute",
    }
)
"""Extensions that lead mail, or what it says, elsewhere. Dovecot offers none of them, and refuses them in English."""

type _Token = tuple[str, bytes]


def may_redirect_to(address: str, domains: Collection[str]) -> bool:
    """Whether mail may be led to the address: one of the domains, or below one."""
    found = _ADDRESS.fullmatch(address)
    return found is not None and any(f".{found[1].lower()}".endswith(f".{each}") for each in domains)


def may_send_as(author: str, own: Collection[str]) -> bool:
    """Whether what stands in From is plainly one of the addresses, whoever reads it."""
    import email.utils

    author = author.strip().lower()
    found = [address for _, address in email.utils.getaddresses([author])]
    # One "@", and the address stands where every reader looks for it.
    return (
        len(found) == 1 and found[0] in own and author.count("@") == 1 and author.endswith((f"<{found[0]}>", found[0]))
    )


def refusal(script: bytes, domains: Collection[str], own: Collection[str]) -> str | None:
    """Why the script is not saved, for its owner, whose addresses are these; None when it is."""
    tokens = list(_tokens(script))
    return _extension_fault(tokens) or _redirect_fault(tokens, domains) or _sender_fault(tokens, own)


def fault(script: bytes, domains: Collection[str]) -> str | None:
    """What is wrong with a script that is stored: where it leads mail. An address may have been its owner's once."""
    return _redirect_fault(list(_tokens(script)), domains)


def _extension_fault(tokens: Sequence[_Token]) -> str | None:
    required = False
    for token in tokens:
        if token in (("word", b"require"), ("other", b";")):
            required = token[0] == "word"
        elif required and token[0] == "string" and token[1].lower() in LEADING:
            return (
                f"Không được dùng phần mở rộng {token[1].decode().lower()}: thư và nội dung thư chỉ được tự động"
                " chuyển tiếp bằng lệnh redirect, đến hộp thư của cơ quan nhà nước (Điều 4 khoản 5)."
            )
    return None


def _sender_fault(tokens: Sequence[_Token], own: Collection[str]) -> str | None:
    for token, (kind, value) in pairwise((*tokens, ("", b""))):
        if token == ("word", b":from") and not (
            kind == "string" and b"${" not in value and may_send_as(value.decode("utf-8", "replace"), own)
        ):
            return (
                "Thư trả lời tự động chỉ được gửi bằng địa chỉ của chính hộp thư này"
                f" ({', '.join(own)}), không dùng biến (Điều 4 khoản 6)."
            )
    return None


def _redirect_fault(tokens: Sequence[_Token], domains: Collection[str]) -> str | None:
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
