"""Load plugins once, before Ansible forks a process for each task and host.

Each of these processes would load all filters anew, the project's own with their libraries among them
(docs/decisions/0015-files-in-one-round-trip.md). It says nothing and decides nothing.
"""

import gc
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import (
    action_loader,
    become_loader,
    connection_loader,
    filter_loader,
    shell_loader,
    test_loader,
)

OBJECTS = 50_000
"""New objects after which Python's garbage collector runs; its default is 2,000."""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """A callback, since it is the one kind of plugin that Ansible calls before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "preload"

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Entry point of Ansible: a playbook is about to begin."""
        # The name of one that is always there makes Ansible read them all.
        filter_loader.get("default")
        test_loader.get("defined")
        list(action_loader.all(class_only=True))
        for loader, name in ((connection_loader, "ssh"), (shell_loader, "sh"), (become_loader, "sudo")):
            loader.get(name, class_only=True)
        # The processes of tasks are short. Their garbage collector does not scan again what was loaded here.
        gc.collect()
        gc.freeze()
        gc.set_threshold(OBJECTS)
