<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_letters.php';

/**
 * What helps a person who writes a message: a signature from the registry, texts of the office to begin with, whose the addresses are,
 * and how large the attachments may be. The page's part is writing.js.
 */
class hanam_writing
{
    /** As many as mail.webmail_recipients answers at once. */
    private const AT_ONCE = 100;
    /** For writing.js. */
    private const SCRIPT = [
        'attached', 'attachedtoomuch', 'recipientlist', 'wrongaddresses', 'doubtfuladdresses', 'useaddress', 'mendaddress', 'sendanyway',
        'willsend', 'heldasdraft', 'undosend', 'sendnow', 'sendundone', 'leavesunsent', 'nodraft', 'nodrafttitle', 'notnow', 'notsentyet',
    ];
    private const KEYS = ['keys', 'keyslist', 'keyslisttext', 'keyswriting', 'keyswritingtext', 'keyseverywhere', 'keyseverywheretext'];
    /** Words in an office's text that the registry's data about the writer replace, and what replaces them when it has none. */
    private const FILLED = ['$name' => '[họ và tên]', '$agency' => '[tên cơ quan, đơn vị gửi]'];

    private ?array $writer = null;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $rcmail = rcmail::get_instance();
        $this->plugin->add_hook('ready', [$this, 'fill']);
        $this->plugin->add_hook('identity_form', [$this, 'identity_form']);
        $this->plugin->register_action('plugin.hanam-recipients', [$this, 'recipients']);
        $this->keys();
        if ($rcmail->task !== 'mail' || $rcmail->action !== 'compose' || $rcmail->output->type !== 'html') {
            return;
        }
        $this->plugin->add_hook('template_object_composeheaders', [$this, 'signatures']);
        $this->plugin->add_hook('template_object_composeattachmentlist', [$this, 'attached']);
        $this->plugin->include_stylesheet('/styles/writing.css');
        $this->plugin->include_script('writing.js');
        $this->plugin->include_script('undo.js');
        $rcmail->output->set_env('hanam_attachment_limit', $rcmail->config->get('hanam_attachment_limit'));
        $rcmail->output->set_env('hanam_undo_seconds', $rcmail->config->get('hanam_undo_seconds'));
        $rcmail->output->add_label(...array_map(fn (string $name) => "hanam.$name", self::SCRIPT));
    }

    /** The list of keys, in every menu. */
    private function keys(): void
    {
        $output = rcmail::get_instance()->output;
        if ($output->type !== 'html' || rcmail::get_instance()->task === 'login') {
            return;
        }
        $this->plugin->include_script('keys.js');
        $output->add_label('close', ...array_map(fn (string $name) => "hanam.$name", self::KEYS));
        $this->plugin->add_button([
            'type' => 'link', 'href' => '#keys', 'label' => 'hanam.keys', 'onclick' => 'return hanam_keys()',
            'class' => 'hanam-keys', 'innerclass' => 'inner',
        ], 'taskbar');
    }

    /** The office's texts, with what the registry says of who writes. */
    public function fill(array $request): array
    {
        $config = rcube::get_instance()->config;
        if (!in_array($request['action'], ['response-get', 'responses', 'edit-response'])) {
            return $request;
        }
        $words = self::FILLED;
        foreach (array_keys($words) as $word) {
            $words[$word] = ($this->writer()[substr($word, 1)] ?? '') ?: $words[$word];
        }
        $texts = [];
        foreach ($config->get('compose_responses_static', []) as $response) {
            $texts[] = ['text' => strtr($response['text'], $words)] + $response;
        }
        $config->set('compose_responses_static', $texts);
        return $request;
    }

    /** Identities without a signature of the person's own get the registry's, as it is today; nothing of it is stored. */
    public function signatures(array $hook): array
    {
        $lines = $this->signature();
        if (($hook['part'] ?? '') !== 'from' || !$lines) {
            return $hook;
        }
        $rcmail = rcmail::get_instance();
        $separator = $rcmail->config->get('sig_separator') ? ['-- '] : [];
        $made = [];
        foreach ($rcmail->user->list_identities() as $identity) {
            if (trim((string) $identity['signature']) === '') {
                $made[$identity['identity_id']] = [
                    'text' => implode("\n", [...$separator, ...$lines]),
                    'html' => implode('<br>', [...$separator, ...array_map('rcube::Q', $lines)]),
                ];
            }
        }
        $rcmail->output->set_env('hanam_signatures', $made);
        return $hook;
    }

    /** An empty field says what stands under mail as long as it is empty. */
    public function identity_form(array $hook): array
    {
        $lines = $this->signature();
        if ($lines && isset($hook['form']['signature']['content'])) {
            $hook['form']['signature']['content']['hanam_signature'] = [
                'label' => $this->plugin->gettext('registrysignature'),
                'value' => html::div('hint', implode(html::br(), array_map('rcube::Q', $lines))),
            ];
        }
        return $hook;
    }

    /** How large what is attached is already: a forwarded message, a draft. */
    public function attached(array $hook): array
    {
        $id = rcube_utils::get_input_string('_id', rcube_utils::INPUT_GET);
        $sizes = [];
        foreach ($_SESSION["compose_data_$id"]['attachments'] ?? [] as $number => $attachment) {
            $sizes["rcmfile$number"] = (int) ($attachment['size'] ?? 0);
        }
        rcmail::get_instance()->output->set_env('hanam_attached', $sizes);
        return $hook;
    }

    /** Whose the addresses are that a page asks about. */
    public function recipients(): void
    {
        $rcmail = rcmail::get_instance();
        $typed = mb_strtolower(rcube_utils::get_input_string('_addresses', rcube_utils::INPUT_POST));
        $asked = preg_split('/\s+/', $typed, -1, PREG_SPLIT_NO_EMPTY);
        $asked = array_slice(array_unique($asked), 0, self::AT_ONCE);
        $domain = '@' . $rcmail->config->get('mail_domain');
        $ours = array_filter($asked, fn (string $address) => str_ends_with($address, $domain));
        // All in one question: no address has Vietnamese letters, and one typed with them may be the same without.
        $plain = array_combine($ours, array_map(hanam_letters::folded(...), $ours));
        $known = $this->known(array_unique($plain));
        $answer = [];
        foreach ($asked as $address) {
            if (!in_array($address, $ours)) {
                $answer[$address] = $this->elsewhere($address, $domain);
            } elseif ($known !== null) {
                $row = $known[$plain[$address]] ?? ['fate' => 'unknown'];
                $answer[$address] = $this->here($plain[$address] === $address ? $row : self::unaccented($plain[$address], $row));
            }
        }
        $rcmail->output->command('plugin.hanam-recipients', $answer);
        $rcmail->output->send();
    }

    /** The accounts database's rows by address; null when it does not answer: what nobody knows keeps nobody from writing. */
    private function known(array $addresses): ?array
    {
        if (!$addresses) {
            return [];
        }
        $rows = hanam_accounts::rows("SELECT * FROM mail.webmail_recipients(string_to_array(?, ' '))", implode(' ', $addresses));
        return $rows === null ? null : array_column($rows, null, 'address');
    }

    /** Of an address typed with Vietnamese letters, by the row of the same without. */
    private static function unaccented(string $plain, array $row): array
    {
        return ['fate' => 'unknown', 'nearest' => in_array($row['fate'], ['open', 'locked']) ? $plain : $row['nearest'] ?? ''];
    }

    /**
     * @param array $row of mail.webmail_recipients
     * @return array kind (own, doubt, wrong), what to say, addresses that may have been meant
     */
    private function here(array $row): array
    {
        $kind = ['open' => 'own', 'locked' => 'doubt'][$row['fate']] ?? 'wrong';
        $named = implode(', ', self::lines($row));
        $told = $row['fate'] === 'open' && $named !== '' ? $named : $this->plugin->gettext("recipient{$row['fate']}");
        return ['kind' => $kind, 'told' => $told, 'nearest' => array_values(array_filter(explode(' ', $row['nearest'] ?? '')))];
    }

    private function elsewhere(string $address, string $domain): array
    {
        [$local, $theirs] = array_pad(explode('@', $address, 2), 2, '');
        $own = substr($domain, 1);
        // One slip in the domain, or the province's name under another.
        if ($theirs !== '' && !str_ends_with($theirs, ".$own")
            && (levenshtein(substr($theirs, 0, 99), $own) === 1 || strtok($theirs, '.') === strtok($own, '.'))) {
            $told = $this->plugin->gettext(['name' => 'recipientdomain', 'vars' => ['domain' => $own]]);
            return ['kind' => 'doubt', 'told' => $told, 'nearest' => ["$local$domain"]];
        }
        $kind = 'outside';
        foreach (rcube::get_instance()->config->get('hanam_forward_domains') as $each) {
            if ($theirs === $each || str_ends_with($theirs, ".$each")) {
                $kind = 'state';
            }
        }
        return ['kind' => $kind, 'told' => $this->plugin->gettext("recipient$kind"), 'nearest' => []];
    }

    /** The lines of a signature: name, post, agency; and the telephone, which the province may switch on. */
    private function signature(): array
    {
        $lines = self::lines($this->writer());
        $phone = $this->writer()['phone'] ?? '';
        return $phone === '' ? $lines : [...$lines, $this->plugin->gettext('phone') . ": $phone"];
    }

    private static function lines(array $row): array
    {
        [$name, $agency] = [$row['name'] ?? '', $row['agency'] ?? ''];
        // An agency's own mailbox bears the agency's name.
        return array_values(array_filter([$name, $row['post'] ?? '', $agency === $name ? '' : $agency]));
    }

    /** What the registry says of the mailbox that is open; empty when it says nothing, or is away. */
    private function writer(): array
    {
        // A telephone that is to stand nowhere is not asked for.
        $phone = rcube::get_instance()->config->get('hanam_signature_phone') ? ', phone' : '';
        return $this->writer ??= hanam_accounts::rows(
            "SELECT name, post, agency$phone FROM mail.webmail_signature(?)", rcmail::get_instance()->get_user_name()
        )[0] ?? [];
    }
}
