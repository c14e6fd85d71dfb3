"""The one reader of documents: text of what is attached to mail, for search and for secrecy marks (Đ3.3, Đ3.4).

A service on a socket of systemd (docs/decisions/0049-text-of-documents.md). Readers of a kind (`ooxml`, `pdf` ...) take
octets and the `Work` at hand, write text into it and raise its `Refused`; they run in a process of their own.
"""
