"""hanam-mail-watch: what the operator must know of a host, told once per cause.

Every two minutes, and at once when any unit fails (OnFailure=), it looks at everything of the host that must run or
must not grow old, compares with what it remembers, and tells what is new, what lasts and what is over: by mail, and by
a second path when mail itself is what is down. Needs the standard library only: every host has it, the backup's too.
"""
