"""Secrecy marks in mail of our people (Đ3.3): a service that the filter asks (docs/decisions/0051-secrecy-marks.md).

`alike` makes a text plain, `marks` and `titles` find marks in it, `mime` and `fields` take a message apart, `pages`
reads HTML, `documents` asks hanam-extract for the text of what is attached, `verdict` puts them together, `service`
answers the filter.
"""
