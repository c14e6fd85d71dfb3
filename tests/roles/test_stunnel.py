"""Protocols without TLS cross hosts in a tunnel that only named neighbours enter; where none is needed nothing is left.

The same tests hold on one machine (no host serves, none reaches) and on several.
"""

import pytest

from tests.lab import Lab

CONFIG = "/etc/hanam-mail/tunnel.conf"
INTERNAL = "/etc/hanam-mail/tls/internal"
ASK = r"request=smtpd_access_policy\nrecipient={address}\nsize=1\n\n"


def serving(lab: Lab) -> list[str]:
    """Hosts whose mail store others ask."""
    return [host for host in lab.groups["mailstore"] if reaching(lab)]


def reaching(lab: Lab) -> list[str]:
    """Hosts that take mail and have no mailboxes."""
    return sorted({*lab.groups["mx"], *lab.groups["submission"]} - {*lab.groups["mailstore"]})


def hosts(lab: Lab) -> list[str]:
    return sorted({*lab.groups["mx"], *lab.groups["submission"], *lab.groups["mailstore"]})


def call(lab: Lab, source: str, target: str, options: str) -> str:
    """What comes back when a host opens TLS to the tunnel's port, asks, and prints all that it hears."""
    question = ASK.format(address=lab.samples[0].address)
    name = f"{target}.{lab.variables['mail_domain']}"
    verifying = f"-verify_return_error -verify_hostname {name} -CAfile {INTERNAL}/ca.pem"
    client = f"timeout 10 openssl s_client -quiet -connect {name}:{lab.port('quota_tls')} {verifying} {options}"
    return lab.run(source, f"(printf '{question}'; sleep 2) | {client}", check=False)


@pytest.mark.neighbours
def test_a_tunnel_is_where_a_neighbour_needs_it_and_nowhere_else(lab: Lab) -> None:
    needed = {*serving(lab), *reaching(lab)}
    for host in hosts(lab):
        tunnel = lab.look_at(host).service("hanam-tunnel.service").systemd_properties
        assert tunnel["ActiveState"] == ("active" if host in needed else "inactive"), host
        assert lab.look_at(host).file(CONFIG).exists == (host in needed), host


@pytest.mark.dieu8
@pytest.mark.neighbours
def test_a_named_neighbour_is_answered(lab: Lab) -> None:
    own = f"-cert {INTERNAL}/cert.pem -key {INTERNAL}/key.pem"
    for target in serving(lab):
        for source in reaching(lab):
            assert "action=" in call(lab, source, target, own)


@pytest.mark.dieu4
@pytest.mark.neighbours
def test_nobody_else_enters_the_tunnel(lab: Lab) -> None:
    own = f"-cert {INTERNAL}/cert.pem -key {INTERNAL}/key.pem"
    for target in serving(lab):
        neighbour = reaching(lab)[0]
        # No certificate, an old protocol, and hosts of the system that have no business here.
        assert "action=" not in call(lab, neighbour, target, "")
        assert "action=" not in call(lab, neighbour, target, f"{own} -tls1_2")
        for stranger in {*lab.groups["accounts"], *lab.groups["backup_repository"]} - {target}:
            assert "action=" not in call(lab, stranger, target, own)


def test_a_configuration_that_would_not_start_is_refused_by_its_check(lab: Lab) -> None:
    # Role stunnel runs this before it replaces the file.
    for host in {*serving(lab), *reaching(lab)}:
        lab.run(host, f"hanam-tunnel-check {CONFIG}")
        for fault in ("s/^sslVersionMin.*/sslVersionMin = SSLv9/", f"s|^cert = .*|cert = {CONFIG}|"):
            lab.run(host, f"sed '{fault}' {CONFIG} > /run/t.conf")
            refused = lab.run(host, "hanam-tunnel-check /run/t.conf >/dev/null 2>&1; echo $?; rm /run/t.conf")
            assert refused == "1\n", fault
        lab.run(host, 'test -z "$(ls -d /run/tunnel-check.* 2>/dev/null)"')


def test_a_tunnel_left_from_a_split_system_is_taken_away(lab: Lab) -> None:
    unit = "/etc/systemd/system/hanam-tunnel.service"
    for host in sorted({*hosts(lab)} - {*serving(lab), *reaching(lab)}):
        service = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target"
        lab.run(host, f"rm {unit}; printf '{service}\\n' > {unit}; touch {CONFIG}; systemctl daemon-reload")
        lab.run(host, "systemctl enable --now hanam-tunnel.service")
        done = lab.play("site.yml", "--tags", "stunnel", "--limit", host)
        assert done.returncode == 0, done.stdout[-3000:]
        tunnel = lab.look_at(host).service("hanam-tunnel.service")
        assert (tunnel.systemd_properties["ActiveState"], tunnel.is_masked) == ("inactive", True)
        left = lab.run(host, f"ls {CONFIG} /etc/systemd/system/multi-user.target.wants", check=False)
        assert "tunnel" not in left
