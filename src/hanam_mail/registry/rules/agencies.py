"""The rules of agencies: the form of code and suffix, their changes of name, their mergers."""

from collections.abc import Iterator
from pathlib import PurePath

from hanam_mail.errors import Problem
from hanam_mail.registry.model import Agency, AgencyKind, AgencyMerge, AgencyRename, Mailbox, MailboxKind
from hanam_mail.registry.rules.addresses import agency_address
from hanam_mail.registry.rules.view import View


def problems(view: View) -> Iterator[Problem]:
    """Every breach of a rule by an agency."""
    for agency in view.found.agencies:
        yield from _form(agency, view)
        if agency.history:
            yield from _order(agency, view)
            yield from _changes(agency)
            yield from _merger(agency, view)
    yield from _mailboxes(view)


def _form(agency: Agency, view: View) -> Iterator[Problem]:
    naming = view.regulation.naming
    address = agency_address(agency, view.regulation) if agency.code else ""
    if address and PurePath(agency.source.file).stem != address:
        yield agency.source.problem("code", f"tệp của cơ quan này phải có tên {address}.yml")
    if agency.suffix and len(agency.suffix) != naming.suffix_length:
        yield agency.source.problem("suffix", f"phải có {naming.suffix_length} chữ", "Đ5.2b")
    match agency.kind:
        case AgencyKind.COMMUNE:
            if agency.code and agency.code.partition(".")[2] not in view.district_ids:
                text = "phải có dạng <tên xã>.<mã của một huyện có trong sổ>"
                yield agency.source.problem("code", text, "Đ5.1c")
        case AgencyKind.DEPARTMENT | AgencyKind.DISTRICT:
            if "." in agency.code:
                yield agency.source.problem("code", "chỉ mã của xã và của đơn vị khác có dấu chấm", "Đ5.1")


def _order(agency: Agency, view: View) -> Iterator[Problem]:
    latest, merged = agency.history[0].done, False
    for event in agency.history:
        if event.done > view.today:
            yield event.source.problem("done", f"ngày {event.done} ở tương lai")
        if event.done < latest:
            yield event.source.problem("done", f"ngày {event.done} trước sự kiện liền trên ({latest})")
        if merged:
            yield event.source.problem("event", "sau khi sáp nhập cơ quan không còn sự kiện nào nữa", "Đ6.2a")
        latest = max(latest, event.done)
        merged = merged or isinstance(event, AgencyMerge)


def _changes(agency: Agency) -> Iterator[Problem]:
    """A change of name tells what was, and what was is not what came after."""
    name, code, suffix, software = agency.name, agency.code, agency.suffix, agency.document_system
    for event in reversed(agency.history):
        if not isinstance(event, AgencyRename):
            continue
        former = (event.was_name, event.was_code, event.was_suffix, event.was_document_system)
        if former == (None, None, None, None):
            text = "đổi cơ quan thì phải ghi tên cũ (was_name), was_code, was_suffix hoặc was_document_system"
            yield event.source.problem("event", text, "Đ6.2a")
        if event.was_name == name:
            yield event.source.problem("was_name", f"tên cũ trùng với tên mới “{name}”")
        if event.was_code == code:
            yield event.source.problem("was_code", f"mã cũ trùng với mã mới “{code}”")
        if event.was_suffix == suffix:
            yield event.source.problem("was_suffix", f"hậu tố cũ trùng với hậu tố mới “{suffix}”")
        if event.was_document_system is software:
            text = "phần mềm quản lý văn bản trước và sau như nhau"
            yield event.source.problem("was_document_system", text, "Đ11.2")
        software = software if event.was_document_system is None else event.was_document_system
        name, code, suffix = event.was_name or name, event.was_code or code, event.was_suffix or suffix


def _merger(agency: Agency, view: View) -> Iterator[Problem]:
    merge = next((event for event in agency.history if isinstance(event, AgencyMerge)), None)
    if merge is None or not merge.into:
        return
    target = view.agencies.get(merge.into)
    if target is None:
        yield merge.source.problem("into", f"không có cơ quan nào mã “{merge.into}”", "Đ6.2a")
        return
    if agency.id in (merge.into, *view.successors(merge.into)):
        yield merge.source.problem("into", "cơ quan không thể sáp nhập vào chính mình", "Đ6.2a")
        return
    further = next((event for event in target.history if isinstance(event, AgencyMerge)), None)
    if further is not None and further.done < merge.done:
        text = f"cơ quan “{target.name}” đã sáp nhập vào cơ quan khác từ ngày {further.done}"
        yield merge.source.problem("into", text, "Đ6.2a")


def _mailboxes(view: View) -> Iterator[Problem]:
    """An agency speaks with one address of its own (Đ5.1); one that went up in another has nothing open left.

    Open mailboxes that came from merged agencies are further ones: they keep id and address, nothing is lost. Closed
    ones stay where they were, since their history is closed too.
    """
    speaking: set[str] = set()
    for mailbox in view.found.mailboxes:
        agency = view.agencies[mailbox.agency]
        if agency.merged_into is not None and not mailbox.revoked:
            text = f"cơ quan đã sáp nhập, hộp thư phải chuyển sang cơ quan mã “{agency.merged_into}”"
            yield mailbox.source.problem("", text, "Đ6.2a")
        if mailbox.kind is not MailboxKind.AGENCY or mailbox.revoked or mailbox.origins:
            continue
        if mailbox.agency in speaking:
            yield mailbox.source.problem("kind", "cơ quan đã có hộp thư cơ quan", "Đ5.1")
        speaking.add(mailbox.agency)
        yield from _former_addresses(mailbox, agency, view)


def _former_addresses(mailbox: Mailbox, agency: Agency, view: View) -> Iterator[Problem]:
    """The agency's address before each change of code after the issue still belongs to its mailbox."""
    for event in agency.history:
        if not isinstance(event, AgencyRename) or not event.was_code or not mailbox.history:
            continue
        was = agency_address(agency, view.regulation, code=event.was_code)
        if mailbox.history[0].done <= event.done and was not in mailbox.addresses:
            text = f"địa chỉ cũ “{was}” của cơ quan phải giữ làm bí danh"
            yield mailbox.source.problem("aliases", text, "Đ5.1")
