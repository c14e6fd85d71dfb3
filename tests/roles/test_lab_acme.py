"""The certificate authority of the lab's Internet."""

import json

from testinfra.host import Host

from tests.lab import Lab


def test_the_authority_answers_a_host_that_verifies_it(lab: Lab, mx_host: Host) -> None:
    program = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"
    said = mx_host.check_output("python3 -c %s %s", program, lab.acme_directory)
    assert json.loads(said)["newOrder"].startswith("https://acme.example")
