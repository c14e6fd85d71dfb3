<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * Under which names and addresses a person writes, and where mail may lead by itself (Đ4.5).
 *
 * The accounts database says which addresses a mailbox has and whose name it bears. Roundcube's table of identities is a copy
 * that forms, crafted posts and years change; it follows at every login and before every page on which a person writes.
 */
class hanam_sender
{
    /** Fields of an identity and of a message that lead other people's mail somewhere. */
    private const LEADING = ['reply-to', 'bcc'];
    private const ANSWERS = ['Reply-To', 'Mail-Reply-To', 'Mail-Followup-To'];

    private ?array $names = null;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    /** Roundcube's identities as the registry has them; an address that is new and the first one becomes the default. */
    public function follow(): void
    {
        $names = $missing = $this->names();
        if (!$names) {
            return;
        }
        $user = rcmail::get_instance()->user;
        $identities = $user->list_identities();
        $gone = [];
        foreach ($identities as $identity) {
            $address = mb_strtolower($identity['email']);
            unset($missing[$address]);
            if (!isset($names[$address])) {
                $gone[] = $identity['identity_id'];
                continue;
            }
            $right = ['name' => $names[$address]];
            foreach (self::LEADING as $field) {
                $right[$field] = $identity[$field];
                if (!$this->may_lead($identity[$field])) {
                    $right[$field] = '';
                    // Not where to: that is somebody's private address.
                    rcube::write_log('hanam', "hanam: an identity of {$user->get_username()} led mail outside: $field cleared");
                }
            }
            if (array_diff_assoc($right, $identity)) {
                $user->update_identity($identity['identity_id'], $right);
            }
        }
        // What a person wrote about himself goes with him to his new address.
        $kept = array_intersect_key($identities[0] ?? [], array_flip(['organization', 'signature', 'html_signature']));
        foreach ($missing as $address => $name) {
            $id = $user->insert_identity(['name' => $name, 'email' => $address, 'standard' => 0] + $kept);
            if ($id && $address === array_key_first($names)) {
                $user->set_default($id);
            }
        }
        foreach ($gone as $id) {
            $user->delete_identity($id);
        }
    }

    public function identity_form(array $hook): array
    {
        $hook['form']['addressing']['content']['name'] += ['disabled' => true, 'class' => 'disabled'];
        $hook['record']['name'] = $this->names()[mb_strtolower($hook['record']['email'] ?? '')] ?? current($this->names());
        return $hook;
    }

    public function identity_save(array $hook): array
    {
        if (!empty($hook['login'])) {
            return $hook;  // made from the registry just now
        }
        $record = &$hook['record'];
        if (!isset($hook['id'])) {
            $record['email'] = array_key_first($this->names());  // Roundcube would write the mailbox id
        }
        $name = $this->names()[mb_strtolower($record['email'] ?? '')] ?? null;
        $record['name'] ??= $name;
        if ($name === null) {
            return $this->refuse($hook, 'message', 'notyouraddress');
        }
        if ($record['name'] !== $name) {
            return $this->refuse($hook, 'message', 'notyourname', ['name' => $name]);
        }
        foreach (self::LEADING as $field) {
            if (!$this->may_lead($record[$field] ?? '')) {
                return $this->refuse($hook, 'message', 'mayleadonlyto');
            }
        }
        return $hook;
    }

    /** The forms help; what was sent counts. */
    public function message_before_send(array $hook): array
    {
        $message = $hook['message'];
        if ($message instanceof rcmail_resend_mail) {
            return $hook;  // somebody else's message, which stays as it is
        }
        $headers = $message->headers();
        $from = rcube_mime::decode_address_list($headers['From'] ?? '', null, true);
        $address = count($from) === 1 ? mb_strtolower(current($from)['mailto']) : '';
        if (!$this->names()) {
            return $this->refuse($hook, 'error', 'unavailable');
        }
        if (!isset($this->names()[$address])) {
            return $this->refuse($hook, 'error', 'notyouraddress');
        }
        foreach (self::ANSWERS as $field) {
            if (!$this->may_lead($headers[$field] ?? '')) {
                return $this->refuse($hook, 'error', 'mayleadonlyto');
            }
        }
        $sender = format_email_recipient($address, $this->names()[$address]);
        $message->headers(['From' => $sender], true);
        if (isset($headers['Disposition-Notification-To'])) {
            $message->headers(['Disposition-Notification-To' => $sender], true);
        }
        return $hook;
    }

    /** Why a filter, a reply in absence or a forward may not be saved as it was posted; null when it may. */
    public function filter_fault(string $action): ?string
    {
        if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !str_starts_with($action, 'plugin.managesieve')) {
            return null;
        }
        $posted = fn (string $name) => rcube_utils::get_input_value($name, rcube_utils::INPUT_POST, true);
        $targets = $senders = [];
        foreach ((array) $posted('_action_type') as $number => $type) {
            if (str_starts_with($type, 'redirect')) {
                $targets[] = ((array) $posted('_action_target'))[$number] ?? '';
            } elseif ($type === 'vacation') {
                $senders[] = ((array) $posted('_action_from'))[$number] ?? '';
            }
        }
        if (str_ends_with($action, '-forward') || in_array($posted('vacation_action'), ['redirect', 'copy'])) {
            $domain = $posted('action_domain');
            $targets[] = $posted('action_target') . ($domain ? "@$domain" : '');
        }
        $senders[] = $posted('vacation_from');
        foreach ($targets as $target) {
            if (!$this->may_lead($target)) {
                return $this->plugin->gettext('mayleadonlyto');
            }
        }
        foreach (array_filter($senders) as $sender) {
            foreach (rcube_mime::decode_address_list($sender) as $each) {
                $name = $this->names()[mb_strtolower($each['mailto'])] ?? null;
                if ($name === null) {
                    return $this->plugin->gettext('notyouraddress');
                }
                if ($each['name'] !== '' && $each['name'] !== $name) {
                    return $this->plugin->gettext(['name' => 'notyourname', 'vars' => ['name' => $name]]);
                }
            }
        }
        return null;
    }

    /** Name by address, the primary address first; none when the accounts database does not answer. */
    private function names(): array
    {
        if ($this->names === null) {
            $rows = hanam_accounts::rows('SELECT address, name FROM mail.webmail_addresses(?)', rcmail::get_instance()->get_user_name());
            $this->names = [];
            foreach ($rows ?? [] as $row) {
                $this->names[mb_strtolower($row['address'])] = $row['name'];
            }
        }
        return $this->names;
    }

    /** Whether mail may lead to all addresses of a list: mailboxes of state agencies. */
    private function may_lead(?string $list): bool
    {
        $addresses = rcube_mime::decode_address_list($list ?? '', null, false, null, true);
        $domains = rcube::get_instance()->config->get('hanam_forward_domains');
        foreach ($addresses as $address) {
            $domain = mb_strtolower(substr((string) strrchr($address, '@'), 1));
            if (!rcube_utils::check_email($address, false)
                || !array_filter($domains, fn ($allowed) => $domain === $allowed || str_ends_with($domain, ".$allowed"))) {
                return false;
            }
        }
        // What is no address at all cannot be judged.
        return $addresses || trim($list ?? '') === '';
    }

    private function refuse(array $hook, string $place, string $text, array $words = []): array
    {
        $hook[$place] = $this->plugin->gettext(['name' => $text, 'vars' => $words]);
        return ['abort' => true, 'result' => false] + $hook;
    }
}
