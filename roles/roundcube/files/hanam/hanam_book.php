<?php

/**
 * The address book of the administration (hanam_address_book.php), and where a message comes from and who the registry says has written
 * it. That is told by a field that the mail filter alone writes (X-Hanam-Origin; rspamd's origin.lua), never by what a sender says of himself.
 */
require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_address_book.php';

class hanam_book
{
    private const FIELD = 'x-hanam-origin';
    /** inside: sent by somebody who signed in, or by the system itself. outside: by anybody else; whose domain is proven, it says. */
    private const ORIGIN = '/^(inside|outside)(?: (state|proven)=([!-~]{1,255}))?$/D';

    /** Groups that are offered while one types. */
    private const GROUPS = 3;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $rcmail = rcmail::get_instance();
        $this->plugin->add_hook('addressbooks_list', [$this, 'addressbooks_list']);
        $this->plugin->add_hook('addressbook_get', [$this, 'addressbook_get']);
        if ($rcmail->task !== 'mail') {
            return;
        }
        $this->plugin->add_hook('contacts_autocomplete_after', [$this, 'contacts_autocomplete_after']);
        $this->plugin->add_hook('storage_init', [$this, 'storage_init']);
        $this->plugin->add_hook('messages_list', [$this, 'messages_list']);
        $this->plugin->add_hook('message_objects', [$this, 'message_objects']);
        if ($rcmail->output->type === 'html') {
            $this->plugin->include_script('book.js');
            $this->plugin->include_stylesheet('/styles/book.css');
            $rcmail->output->add_label('hanam.outside', 'hanam.outsidelong', 'hanam.suggested');
        }
    }

    /** Before a person's own books: it is what he looks for most. */
    public function addressbooks_list(array $hook): array
    {
        $book = ['id' => hanam_address_book::ID, 'name' => rcube::Q($this->plugin->gettext('book')), 'groups' => true, 'readonly' => true];
        $hook['sources'] = [hanam_address_book::ID => $book] + $hook['sources'];
        return $hook;
    }

    public function addressbook_get(array $hook): array
    {
        if ($hook['id'] === hanam_address_book::ID) {
            $rcmail = rcmail::get_instance();
            $hook['instance'] = new hanam_address_book($this->plugin, $rcmail->get_user_name(), (string) $rcmail->action);
        }
        return $hook;
    }

    /**
     * Groups to which one may write at once, then the book's entries in its own order, then others: Roundcube sorts all by name, and a
     * district's communes would leave its group no room.
     */
    public function contacts_autocomplete_after(array $hook): array
    {
        $book = rcmail::get_instance()->get_address_book(hanam_address_book::ID);
        $places = array_flip(array_column($book->get_result()->records ?? [], 'ID'));
        $place = fn (array $contact) => ($contact['source'] === hanam_address_book::ID ? $places[$contact['id']] ?? null : null) ?? PHP_INT_MAX;
        usort($hook['contacts'], fn ($one, $other) => $place($one) <=> $place($other));
        if (mb_strlen(trim($hook['search'])) > 1) {
            $groups = array_map(fn ($group) => [
                'name' => "$group[name] ($group[receivers])", 'type' => 'group', 'id' => $group['ID'], 'source' => hanam_address_book::ID,
            ], array_slice($book->groups_for($hook['search']), 0, self::GROUPS));
            $hook['contacts'] = [...$groups, ...$hook['contacts']];
        }
        return $hook;
    }

    public function storage_init(array $options): array
    {
        $options['fetch_headers'] = trim(($options['fetch_headers'] ?? '') . ' ' . strtoupper(self::FIELD));
        return $options;
    }

    public function messages_list(array $hook): array
    {
        foreach ($hook['messages'] ?? [] as $header) {
            if ($header && !$this->is_own($header->folder) && $this->origin($header)[0] === 'outside') {
                $header->list_flags['extra_flags']['hanam_outside'] = 1;
            }
        }
        return $hook;
    }

    public function message_objects(array $hook): array
    {
        $message = $hook['message'];
        if (empty($message->headers) || $this->is_own($message->folder)) {
            return $hook;
        }
        if ($message->context !== null) {
            // A message within a message: its fields are its writer's.
            $told = $this->box('warning', 'hanam-origin attached', $this->words('attachedmessage'));
        } else {
            [$origin, $how, $domain] = $this->origin($message->headers);
            $told = match ($origin) {
                'outside' => $this->outside($how, $domain, (string) ($message->sender['name'] ?? '')),
                'inside' => $this->sender((string) ($message->sender['mailto'] ?? '')),
                default => '',
            };
        }
        array_unshift($hook['content'], $told);
        return $hook;
    }

    private function outside(string $how, string $domain, string $name): string
    {
        if ($how === 'state') {
            return $this->box('information', 'hanam-origin outside state', $this->words('fromstate', ['domain' => $domain]));
        }
        $text = html::tag('strong', null, $this->words('outsidelong')) . ' '
            . $this->words($how === 'proven' ? 'fromproven' : 'fromunproven', ['domain' => $domain]);
        return $this->box('warning', "hanam-origin outside $how", $text . $this->namesake($name));
    }

    /** That a stranger shows the name of somebody in the book, who has another address. Other provinces' agencies bear such names by right. */
    private function namesake(string $name): string
    {
        // Octets that are no letters, and letters that nobody sees, would hide the name from the database.
        $seen = preg_replace(['/\p{C}+/u', '/\s+/u'], ['', ' '], mb_scrub($name));
        $found = hanam_accounts::rows('SELECT * FROM mail.book_namesake(?)', trim((string) $seen))[0] ?? null;
        if (!$found) {
            return '';
        }
        $place = $found['kind'] === 'agency' ? '' : implode(', ', array_filter([$found['post'], $found['agency_name']], 'strlen'));
        $label = $found['number'] > 1 ? 'namesakes' : 'namesake';
        $who = $place === '' ? $found['name'] : "$found[name] ($place)";
        $vars = ['who' => $who, 'address' => $found['address'], 'number' => $found['number']];
        return ' ' . html::tag('strong', 'hanam-namesake', $this->words($label, $vars));
    }

    /** Post and agency of who wrote a message from inside; his address is that of his login, the filter has seen to it. */
    private function sender(string $address): string
    {
        $found = hanam_accounts::rows('SELECT * FROM mail.book_sender(?)', mb_strtolower($address))[0] ?? null;
        if (!$found) {
            return '';  // the system's own letters
        }
        if ($found['kind'] === 'guest') {
            return $this->box('warning', 'hanam-origin guest', $this->words('fromguest'));
        }
        $text = html::tag('strong', null, $this->words('fromregistry')) . ' ';
        if (in_array($found['shown'], [true, 't', '1', 1], true)) {
            $place = array_filter([$found['post'], $found['kind'] === 'agency' ? '' : $found['agency_name']], 'strlen');
            $text .= rcube::Q(implode(', ', [$found['name'], ...$place]));
        } else {
            $text .= $this->words('notshown');
        }
        if (in_array($found['revoked'], [true, 't', '1', 1], true)) {
            $text .= '. ' . $this->words('fromrevoked');
        }
        return $this->box('information', 'hanam-origin inside', $text);
    }

    /**
     * Where a message comes from, how its domain is proven, and the domain. A message without the field is older than the field, or was never
     * sent: who says of himself that he is outside is believed, that he is ours is not.
     */
    private function origin(rcube_message_header $header): array
    {
        $field = $header->others[self::FIELD] ?? null;
        if (is_string($field) && preg_match(self::ORIGIN, trim($field), $found)) {
            return [$found[1], $found[2] ?? '', $found[3] ?? ''];
        }
        if ($field !== null) {
            return ['outside', '', ''];
        }
        $domain = '@' . rcube::get_instance()->config->get('mail_domain');
        $from = rcube_mime::decode_address_list((string) $header->from, null, true, $header->charset, true);
        $ours = array_filter($from, fn ($address) => str_ends_with(mb_strtolower($address), $domain));
        return [$from && !$ours ? 'outside' : '', '', ''];
    }

    /** What a person has written himself. */
    private function is_own(?string $folder): bool
    {
        $config = rcube::get_instance()->config;
        return in_array((string) $folder, [$config->get('drafts_mbox'), $config->get('sent_mbox')], true);
    }

    private function box(string $kind, string $class, string $html): string
    {
        // Elastic makes its box of the first class after "notice".
        return html::div(['class' => "notice $kind $class"], html::span(null, $html));
    }

    private function words(string $label, array $vars = []): string
    {
        return rcube::Q($this->plugin->gettext(['name' => $label, 'vars' => $vars]));
    }
}
