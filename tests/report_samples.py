"""Reports on DMARC and TLS as others make them, written after the RFCs, and letters that bring them."""

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

DOMAIN = "hanam.gov.vn"
DAY = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp())


def record(
    source: str = "203.0.113.7",
    count: int | str = 2,
    *,
    disposition: str = "none",
    dkim: str = "pass",
    spf: str = "pass",
) -> str:
    """One record with all that RFC 7489 lets stand in it."""
    return f"""
  <record>
    <row>
      <source_ip>{source}</source_ip>
      <count>{count}</count>
      <policy_evaluated><disposition>{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>
        <reason><type>local_policy</type><comment>arc=pass</comment></reason></policy_evaluated>
    </row>
    <identifiers><envelope_to>nhan.example</envelope_to><envelope_from>{DOMAIN}</envelope_from>
      <header_from>{DOMAIN}</header_from></identifiers>
    <auth_results>
      <dkim><domain>{DOMAIN}</domain><selector>hn2026</selector><result>{dkim}</result></dkim>
      <spf><domain>{DOMAIN}</domain><scope>mfrom</scope><result>{spf}</result></spf>
    </auth_results>
  </record>"""


def dmarc(
    *records: str,
    org: str = "nhan.example",
    report_id: str = "17:1",
    domain: str = DOMAIN,
    day: int = DAY,
    extra: str = "",
) -> bytes:
    """As RFC 7489 has it: no namespace."""
    return f"""<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <version>1.0</version>
  <report_metadata><org_name>{org}</org_name><email>noreply-dmarc@nhan.example</email>
    <extra_contact_info>https://nhan.example/dmarc</extra_contact_info><report_id>{report_id}</report_id>
    <date_range><begin>{day}</begin><end>{day + 86399}</end></date_range></report_metadata>
  <policy_published><domain>{domain}</domain><adkim>s</adkim><aspf>s</aspf><p>reject</p><sp>reject</sp><pct>100</pct>{extra}
  </policy_published>{"".join(records or (record(),))}
</feedback>
""".encode()


def dmarc_9990(org: str = "Công ty Thư Việt", report_id: str = "a.b@thuviet.example") -> bytes:
    """As RFC 9990 has it, in a namespace with a prefix, with what is new in it and an extension of somebody's own."""
    return f"""<?xml version="1.0"?>
<d:feedback xmlns:d="urn:ietf:params:xml:ns:dmarc-2.0" xmlns:x="urn:x">
 <d:version>2.0</d:version>
 <d:report_metadata><d:org_name>{org}</d:org_name><d:email>bao-cao@thuviet.example</d:email>
  <d:report_id>{report_id}</d:report_id>
  <d:date_range><d:begin>{DAY}</d:begin><d:end>{DAY + 86400}</d:end></d:date_range>
  <d:generator>ThuViet 3</d:generator></d:report_metadata>
 <d:policy_published><d:domain>{DOMAIN}</d:domain><d:p>reject</d:p><d:sp>reject</d:sp><d:np>reject</d:np>
  <d:discovery_method>treewalk</d:discovery_method><d:testing>n</d:testing></d:policy_published>
 <d:extension><x:count x:of="7">not ours</x:count></d:extension>
 <d:record><d:row><d:source_ip>2001:db8::25</d:source_ip><d:count>3</d:count>
  <d:policy_evaluated><d:disposition>pass</d:disposition><d:dkim>pass</d:dkim><d:spf>fail</d:spf></d:policy_evaluated></d:row>
  <d:identifiers><d:header_from>so.{DOMAIN}</d:header_from></d:identifiers>
  <d:auth_results><d:dkim><d:domain>{DOMAIN}</d:domain><d:selector/><d:result>pass</d:result>
   <d:human_result lang="vi">tốt</d:human_result></d:dkim></d:auth_results>
 </d:record>
</d:feedback>""".encode()


def failure(kind: str = "certificate-expired", sessions: Any = 3, mx: str = f"mx.{DOMAIN}") -> dict[str, Any]:
    return {
        "result-type": kind,
        "sending-mta-ip": "2001:db8:abcd:12::1",
        "receiving-mx-hostname": mx,
        "receiving-mx-helo": mx,
        "receiving-ip": "203.0.113.25",
        "failed-session-count": sessions,
        "additional-information": "https://nhan.example/tls",
        "failure-reason-code": "X509_V_ERR_CERT_HAS_EXPIRED",
    }


def tls(
    *failures: Mapping[str, Any], report_id: str = "2026-11-27T00:00:00Z_hanam", domain: str = DOMAIN,
    successes: Any = 5326, failed: Any = 3, day: int = DAY, **more: Any,
) -> bytes:  # fmt: skip
    """As RFC 8460, appendix B, has it."""
    begins, ends = (datetime.fromtimestamp(each, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (day, day + 86399))
    policy = {
        "policy": {
            "policy-type": "sts",
            "policy-string": ["version: STSv1", "mode: enforce", f"mx: mx.{DOMAIN}", "max_age: 604800"],
            "policy-domain": domain,
            "mx-host": [f"mx.{DOMAIN}"],
        },
        "summary": {"total-successful-session-count": successes, "total-failure-session-count": failed},
        "failure-details": list(failures),
    }
    report = {
        "organization-name": "Nhan Inc.",
        "date-range": {"start-datetime": begins, "end-datetime": ends},
        "contact-info": "smtp-tls-reporting@nhan.example",
        "report-id": report_id,
        "policies": [policy],
    }
    return json.dumps(report | more, ensure_ascii=False).encode()


def zipped(data: bytes, name: str = "nhan.example!hanam.gov.vn!1!2.xml", more: Sequence[str] = ()) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in (name, *more):
            archive.writestr(each, data)
    return buffer.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def letter(
    attached: bytes, kind: str = "application/gzip", name: str = "nhan.example!hanam.gov.vn!1!2.xml.gz", *,
    mark: str | None = "nhan.example proven nhan.example", author: str = "noreply-dmarc@nhan.example",
    to: str = f"dmarc@{DOMAIN}", subject: str = "Report Domain: hanam.gov.vn", end: str = "\n",
) -> bytes:  # fmt: skip
    """A letter as it lies in the Maildir, with the filter's mark; two parts, the second in lines of base64."""
    head = [] if mark is None else [f"X-Hanam-Report-From: {mark}"]
    head += [
        f"From: {author}",
        f"To: {to}",
        f"Subject: {subject}",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="=="',
        "",
        "--==",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "This is an aggregate report.",
        "--==",
        f'Content-Type: {kind}; name="{name}"',
        f'Content-Disposition: attachment; filename="{name}"',
        "Content-Transfer-Encoding: base64",
        "",
        *base64.encodebytes(attached).decode().splitlines(),
        "--==--",
        "",
    ]
    return end.join(head).encode()
