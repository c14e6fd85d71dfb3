"""The account service of a trial (playbooks/lab_openid.yml) is no part of the lab."""

from testinfra.host import Host


def test_no_account_service_is_there_unless_a_trial_brought_it(internet_host: Host) -> None:
    assert internet_host.file("/etc/lab-sts-sites").listdir() == []
    assert not internet_host.file("/usr/sbin/llng-fastcgi-server").exists
