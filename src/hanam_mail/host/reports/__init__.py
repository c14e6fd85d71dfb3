"""Reports of mail systems about each other: DMARC (RFC 9990, RFC 7489) and TLS (RFC 8460)."""
