"""Filters on what the mail filter is told: see hanam_mail.controller.spam_words, filter_lists and dns_lists."""

from collections.abc import Callable
from typing import Any

from hanam_mail.controller import dns_lists, filter_lists, name_patterns, spam_words


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "agency_names": filter_lists.agency_names,
            "dns_list_rows": dns_lists.rows,
            "dns_list_scores": dns_lists.scores,
            "ascii_fold": lambda _: spam_words.ascii_fold(),
            "filter_domains": filter_lists.domains,
            "filter_names": filter_lists.names,
            "file_endings": filter_lists.endings,
            "stems_but": name_patterns.stems_but,
            "known_names": filter_lists.domains_of_names,
            "leader_names": filter_lists.leader_names,
            "legacy_fold": spam_words.legacy_fold,
            "sender_domains": filter_lists.sender_domains,
            "spam_phrases": spam_words.phrases,
        }
