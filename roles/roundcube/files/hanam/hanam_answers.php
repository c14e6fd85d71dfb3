<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * Who of an agency's clerks answered, passed on or wrote a message (Đ9.2), for all clerks of the mailbox to see.
 *
 * The message bears the clerk's id as a keyword of IMAP, beside the flag that says only that somebody answered. Nothing of it leaves
 * the mailbox, and nobody can send it in from outside.
 */
class hanam_answers
{
    /** What a message bears, before the clerk's id, and the text that tells it. */
    private const MARKS = ['hanam-answered-' => 'answeredby', 'hanam-forwarded-' => 'forwardedby', 'hanam-wrote-' => 'writtenby'];

    /** Set by a message that went out: the copy that is stored next is its copy. */
    private bool $sent = false;
    private ?array $clerks = null;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        if (rcmail::get_instance()->task !== 'mail') {
            return;
        }
        $this->plugin->add_hook('message_sent', [$this, 'message_sent']);
        $this->plugin->add_hook('message_saved', [$this, 'message_saved']);
        $this->plugin->add_hook('messages_list', [$this, 'messages_list']);
        $this->plugin->add_hook('message_objects', [$this, 'message_objects']);
    }

    /** The message that this one answers or passes on. */
    public function message_sent(array $hook): array
    {
        $data = $_SESSION['compose_data_' . rcube_utils::get_input_string('_id', rcube_utils::INPUT_GPC)] ?? null;
        if (!$this->clerk() || !isset($data['id'])) {
            return $hook;
        }
        $this->sent = true;
        foreach (['reply_uid' => 'hanam-answered-', 'forward_uid' => 'hanam-forwarded-'] as $of => $mark) {
            if (empty($data[$of])) {
                continue;
            }
            foreach (rcmail::get_uids($data[$of], $data['mailbox']) as $folder => $uids) {
                // A message within a message bears no flags.
                if (!preg_match('/\d\./', implode(',', (array) $uids))) {
                    $this->mark($uids, $mark, $folder);
                }
            }
            break;
        }
        return $hook;
    }

    public function message_saved(array $hook): array
    {
        if ($this->sent && !is_bool($hook['result'])) {
            $this->sent = false;
            $this->mark($hook['result'], 'hanam-wrote-', $hook['folder']);
        }
        return $hook;
    }

    public function messages_list(array $hook): array
    {
        foreach ($hook['messages'] ?? [] as $header) {
            if ($told = $this->told($header->flags ?? [])) {
                $header->list_flags['extra_flags']['hanam_told'] = implode(' · ', $told);
            }
        }
        return $hook;
    }

    public function message_objects(array $hook): array
    {
        foreach ($this->told($hook['message']->headers->flags ?? []) as $line) {
            $hook['content'][] = html::div(['class' => 'boxinformation hanam-told'], rcube::Q($line));
        }
        return $hook;
    }

    private function mark(mixed $uids, string $mark, string $folder): void
    {
        rcmail::get_instance()->get_storage()->set_flag($uids, $mark . $this->clerk(), $folder, true);
    }

    /** The id of the clerk who has an agency's mailbox open; nothing in a mailbox of one's own. */
    private function clerk(): string
    {
        return explode('*', (string) rcmail::get_instance()->get_user_name())[1] ?? '';
    }

    /** A sentence for each kind of mark among the flags. Only names that the accounts database gives are shown. */
    private function told(array $flags): array
    {
        $found = [];
        foreach (array_keys($flags) as $flag) {
            foreach (self::MARKS as $mark => $text) {
                if (str_starts_with($flag = strtolower((string) $flag), $mark)) {
                    $found[$text][] = $this->names()[substr($flag, strlen($mark))] ?? $this->plugin->gettext('formerclerk');
                }
            }
        }
        $told = [];
        foreach ($found as $text => $names) {
            sort($names);
            $told[] = $this->plugin->gettext(['name' => $text, 'vars' => ['names' => implode(', ', array_unique($names))]]);
        }
        return $told;
    }

    /** Names of those who are or were clerks of this mailbox, by id; asked once, and only when a mark is there. */
    private function names(): array
    {
        if ($this->clerks === null) {
            $rows = hanam_accounts::rows('SELECT id, name FROM mail.webmail_clerks(?)', rcmail::get_instance()->get_user_name());
            $this->clerks = [];
            foreach ($rows ?? [] as $row) {
                $this->clerks[strtolower($row['id'])] = $row['name'];
            }
        }
        return $this->clerks;
    }
}
