<?php

/** The folder of a mailbox in which letters wait for their hour (hanam_scheduled.php). A letter's place is the folder's validity and a UID. */
class hanam_waiting
{
    public function folder(): string
    {
        return (string) rcube::get_instance()->config->get('hanam_waiting_folder');
    }

    /**
     * Lays a letter down, as Roundcube lays down what was sent: with its blind copies.
     *
     * @return ?array{int, int} Its place; null when the mail store does not take it.
     */
    public function lay(Mail_mime $message): ?array
    {
        $storage = rcmail::get_instance()->get_storage();
        $name = $this->name();
        if (!$storage->folder_exists($name) && !$storage->create_folder($name, true)) {
            return null;
        }
        if (!$storage->folder_exists($name, true)) {
            $storage->subscribe($name);
        }
        $file = rcube_utils::temp_filename('msg');
        $written = $message->saveMessageBody($file);
        $uid = $written instanceof PEAR_Error ? false : $storage->save_message($name, $file, $message->txtHeaders(), true, ['SEEN']);
        @unlink($file);
        $validity = $this->validity();
        return is_numeric($uid) && $validity ? [$validity, (int) $uid] : null;
    }

    /** @return ?array<string, rcube_message_header> By place; null when the mail store does not answer. */
    public function letters(): ?array
    {
        $connection = rcmail::get_instance()->get_storage()->conn;
        $listed = $connection->listMailboxes('', $this->name());
        if (!$listed) {
            return $listed === false ? null : [];
        }
        $validity = $this->validity();
        if (!$validity || !$connection->select($this->name())) {
            return null;
        }
        // What SELECT told of it is gone after a message was moved.
        $count = $connection->countMessages($this->name());
        $headers = $count ? $connection->fetchHeaders($this->name(), '1:*', true) : [];
        if ($count === false || $headers === false) {
            return null;
        }
        $letters = [];
        foreach ($headers as $header) {
            if (empty($header->flags['DELETED'])) {
                $letters["$validity:$header->uid"] = $header;
            }
        }
        return $letters;
    }

    public function to_drafts(int $validity, int $uid): bool
    {
        $rcmail = rcmail::get_instance();
        $drafts = $rcmail->config->get('drafts_mbox');
        return $validity === $this->validity() && $rcmail->get_storage()->move_message($uid, $drafts, $this->name());
    }

    public function forget(int $uid): void
    {
        rcmail::get_instance()->get_storage()->delete_message($uid, $this->name());
    }

    private function validity(): int
    {
        $status = rcmail::get_instance()->get_storage()->conn->status($this->name(), ['UIDVALIDITY']);
        return (int) ($status['UIDVALIDITY'] ?? 0);
    }

    /** As IMAP writes it. */
    private function name(): string
    {
        return rcube_charset::convert($this->folder(), RCUBE_CHARSET, 'UTF7-IMAP');
    }
}
