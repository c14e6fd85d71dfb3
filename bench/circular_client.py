"""Sends a circular. Runs on the mail exchanger; reads lines of JSON, a message's recipients each, from standard input.

    python3 circular_client.py SENDER OCTETS

As notices do, it comes from the host itself: whoever signs in may not write to so many at once. Prints when it began
and when the last message was accepted, in seconds since 1970, and the queue's names of the messages.
"""

import json
import random
import smtplib
import sys
import time
from email.message import EmailMessage


def main() -> None:
    sender, octets = sys.argv[1], int(sys.argv[2])
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "undisclosed-recipients:;", "Về việc nghỉ lễ 02/9"
    mail.set_content("Kính gửi các cơ quan, đơn vị: văn bản kèm theo.\n")
    attached = random.Random(1).randbytes(octets * 3 // 4)  # noqa: S311 (no secret)
    mail.add_attachment(attached, maintype="application", subtype="pdf", filename="cong-van.pdf")
    lines, queued = [json.loads(line) for line in sys.stdin], []
    began = time.time()
    for number, recipients in enumerate(lines):
        with smtplib.SMTP("127.0.0.1", 25, timeout=300) as client:
            del mail["Message-ID"]
            mail["Message-ID"] = f"<{began}.{number}@{sender.partition('@')[2]}>"
            client.ehlo("localhost")
            client.mail(sender)
            for recipient in recipients:
                code, said = client.rcpt(recipient)
                if code != 250:
                    raise smtplib.SMTPRecipientsRefused({recipient: (code, said)})
            code, said = client.data(mail.as_bytes())
            if code != 250:
                raise smtplib.SMTPDataError(code, said)
            queued.append(said.decode().rpartition(" ")[2])
    print(json.dumps({"began": began, "accepted": time.time(), "queued": queued}))


if __name__ == "__main__":
    main()
