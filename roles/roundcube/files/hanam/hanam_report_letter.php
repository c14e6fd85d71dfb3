<?php

/**
 * The letter that brings a reported message, as it is, to the operator and the person's agency.
 *
 * It is the system's own and goes the way of notices, to the mail exchanger without a login: there its score decides nothing, as a letter about
 * spam reads like spam, while viruses are refused. Sent by the person's own login, what he reports would count as his sending, and three
 * viruses would lock him. What is not taken stays in its folder, and the notice says where.
 */
class hanam_report_letter
{
    /** To connect, and for each answer but the last. */
    private const SECONDS = 10;

    private string $file = '';
    /** @var string[] */
    private array $recipients = [];

    /**
     * Reads the message where it lies now; `send_afterwards` brings it. The filter may look at it for a minute, which the person who reports
     * does not wait for.
     */
    public function prepare(int $number, string $title, string $folder, string $uid, array $agency): void
    {
        $place = rcube::get_instance()->config->get('hanam_report');
        $this->recipients = array_unique([$place['operator'], ...$agency]);
        $file = rcube_utils::temp_filename('report');
        if ($this->write($file, $number, $title, $folder, $uid, $this->recipients, $place['sender'])) {
            $this->file = $file;
        } else {
            @unlink($file);
        }
    }

    /**
     * Once the person has his answer and Roundcube has ended: hands the message over. `$told` gets why the operator has not got it; '' when he
     * has. It is not called when the mail server did not answer.
     */
    public function send_afterwards(callable $told): void
    {
        register_shutdown_function(function () use ($told) {
            fastcgi_finish_request();
            $place = rcube::get_instance()->config->get('hanam_report');
            // Free again when it is closed, or the process ends.
            $turn = $this->turn($place['at_once']);
            try {
                $fault = match (true) {
                    $this->file === '' => 'không đọc được thư',
                    !$turn => 'có quá nhiều thư báo cáo cần chuyển cùng lúc',
                    default => $this->hand_over($place, $this->recipients, $this->file),
                };
                if ($fault !== null) {
                    $told($fault);
                }
            } finally {
                @unlink($this->file);
            }
        });
    }

    /**
     * One of so many that may be on their way at once, while the filter is slow: who signs in and reads needs processes too.
     *
     * @return ?resource
     */
    private function turn(int $turns): mixed
    {
        $folder = rcube::get_instance()->config->get('temp_dir');
        for ($number = 1; $number <= $turns; $number++) {
            $file = fopen("$folder/report-$number.lock", 'c');
            if ($file && flock($file, LOCK_EX | LOCK_NB)) {
                return $file;
            }
        }
        return null;
    }

    private function write(
        string $file, int $number, string $title, string $folder, string $uid, array $recipients, array $sender
    ): bool {
        $out = fopen($file, 'w+');
        if (!$out) {
            return false;
        }
        $boundary = bin2hex(random_bytes(16));
        $domain = substr(strrchr($sender[1], '@'), 1);
        $coded = fn (string $name, string $text) => "$name: " . Mail_mimePart::encodeHeader($name, $text, 'UTF-8', 'base64', "\r\n");
        $text = "Kèm theo là thư của báo cáo số $number ($title), đúng như trong hộp thư. Nội dung báo cáo nằm trong thư báo mang cùng số.\n\n"
            . "Thư kèm theo có thể là thư lừa đảo: không mở liên kết, không mở tệp, không trả lời.\n\n"
            . "--\nThư này do hệ thống tự động gửi, xin không trả lời.\n";
        $head = [
            $coded('From', format_email_recipient($sender[1], $sender[0])),
            'To: ' . implode(', ', $recipients),
            $coded('Subject', "Báo cáo số $number: thư kèm theo"),
            'Date: ' . date('r'),
            "Message-ID: <report-$number-$boundary@$domain>",
            'Auto-Submitted: auto-generated',
            'X-Auto-Response-Suppress: All',
            'MIME-Version: 1.0',
            "Content-Type: multipart/mixed; boundary=\"$boundary\"",
            '',
            "--$boundary",
            'Content-Type: text/plain; charset=utf-8',
            'Content-Transfer-Encoding: base64',
            '',
            rtrim(chunk_split(base64_encode(str_replace("\n", "\r\n", $text)))),
            "--$boundary",
            'Content-Type: message/rfc822',
            "Content-Disposition: attachment; filename=\"bao-cao-$number.eml\"",
            'Content-Transfer-Encoding: 8bit',
            '',
            '',
        ];
        fwrite($out, implode("\r\n", $head));
        $before = ftell($out);
        $storage = rcmail::get_instance()->get_storage();
        $storage->set_folder($folder);
        $storage->get_raw_body($uid, $out);
        fseek($out, 0, SEEK_END);
        $whole = ftell($out) > $before;
        fwrite($out, "\r\n--$boundary--\r\n");
        return fclose($out) && $whole;
    }

    /** To each receiver for himself: the agency's mailbox may be full, and the operator has it all the same. */
    private function hand_over(array $place, array $recipients, string $file): ?string
    {
        $options = ['ssl' => [
            'verify_peer' => true, 'verify_peer_name' => true, 'cafile' => $place['authorities'], 'peer_name' => $place['tls_name'],
        ]];
        // What is refused is told below; Roundcube would log it as a fault of its own.
        PEAR::pushErrorHandling(PEAR_ERROR_RETURN);
        $smtp = new Net_SMTP($place['host'], $place['port'], $place['helo'], false, self::SECONDS, $options);
        $failed = fn (mixed $result) => $result instanceof PEAR_Error;
        try {
            if ($failed($smtp->connect(self::SECONDS)) || $place['tls_name'] !== '' && $smtp->starttls() !== true) {
                return null;
            }
            if ($failed($smtp->mailFrom('', 'BODY=8BITMIME'))) {
                return $this->told($smtp);
            }
            foreach ($recipients as $recipient) {
                // Who does not answer to one answers to no other.
                if ($failed($smtp->rcptTo($recipient)) && ($recipient === $place['operator'] || $smtp->getResponse()[0] < 0)) {
                    return $this->told($smtp);
                }
            }
            // The filter reads it before the server says whether it takes it. A server that gave up waiting for us would have it, unknown to us.
            $smtp->setTimeout($place['patience']);
            $message = fopen($file, 'r');
            $result = $smtp->data($message);
            fclose($message);
            return $failed($result) ? $this->told($smtp) : '';
        } finally {
            // It says goodbye, and would wait once more for who does not answer.
            $smtp->setTimeout(1);
            $smtp->disconnect();
            PEAR::popErrorHandling();
        }
    }

    /** Why not, in the words of offices where they are known. */
    private function told(Net_SMTP $smtp): ?string
    {
        [$code, $said] = $smtp->getResponse();
        // 354: the line broke while the message went.
        if ($code < 0 || $code === 354) {
            return null;
        }
        if ($code < 500) {
            // Also where the message is larger than the server says that it takes, which is found out before it is sent.
            return $code < 400 ? 'thư quá lớn để gửi kèm' : "máy chủ thư tạm thời không nhận, mã $code";
        }
        return rtrim(hanam_refusals::told(['label' => 'smtperror', 'vars' => ['code' => $code, 'msg' => "[$code] $said"]]), '.');
    }
}
