"""Names of domains in other letters than ASCII's, as DNS has them: one way for all that ask DNS or compare names."""

import idna

# Letters of a name and of one label: in ASCII they are no fewer. Punycode takes time that grows with the square.
LONGEST, LONGEST_LABEL = 1024, 63


class DomainTooLong(UnicodeError):
    """DNS cannot have it, whatever its letters are."""


def in_ascii(domain: str) -> str:
    """The domain in lower case by UTS 46, to which "ß" is no "ss"; UnicodeError when it has no such form.

    So Postfix writes it for DNS (midna_domain.c). Other rules, such as IDNA2003, would lead to another domain, or
    refuse one that mail goes to.
    """
    if domain.isascii():
        return domain.lower()
    labels = []
    if len(domain) <= LONGEST:
        labels = idna.uts46_remap(domain, std3_rules=False, transitional=False).split(".")
    if not labels or max(map(len, labels)) > LONGEST_LABEL:
        raise DomainTooLong("longer than any name of DNS")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)
