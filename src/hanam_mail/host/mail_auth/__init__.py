"""Who really sent a message from outside: SPF, DKIM, ARC and DMARC, for the filter of the same host."""
