<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * Searches that a person keeps under a name, the words that a search looked for, which search.js marks in what it found, and whom these
 * words name without accents: the mail store finds names as they are written alone (docs/decisions/0042-search.md).
 */
class hanam_search
{
    private const ACTION = 'plugin.hanam-searches';
    private const SAVED = 'hanam_searches';
    private const MOST = 30;
    /** So many people that a search names are looked for by their addresses. */
    private const NAMED = 20;
    private const NAMES = ['FROM', 'TO', 'CC', 'BCC', 'REPLY-TO', 'MAIL-REPLY-TO'];
    /** What one field of a search may hold. */
    private const FIELDS = [
        'name' => '/^.{1,60}$/u',
        'q' => '/^.{0,200}$/u',
        'scope' => '/^(all|sub|base)$/',
        'mods' => '/^((subject|from|replyto|followupto|to|cc|bcc|body|text)(,|$))*$/',
        'interval' => '/^(-?\d[WMY])?$/',
        'filter' => '/^[^\r\n]{0,500}$/u',
        'folder' => '/^.{0,255}$/u',
    ];
    private const LABELS = [
        'savedsearches', 'savesearch', 'savesearchname', 'runsearch', 'deletesearch', 'nosearchtosave', 'hitsinattachments',
    ];

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $rcmail = rcmail::get_instance();
        if ($rcmail->task !== 'mail') {
            return;
        }
        $this->plugin->register_action(self::ACTION, [$this, 'change']);
        $this->plugin->add_hook('messages_list', [$this, 'messages_list']);
        // A search that goes on asks what it asked before.
        if ($rcmail->action === 'search' && empty($_GET['_continue'])) {
            $this->plugin->add_hook('imap_search_before', [$this, 'imap_search_before']);
        }
        if ($rcmail->output->type !== 'html' || !in_array($rcmail->action, ['', 'show', 'preview'])) {
            return;
        }
        if ($rcmail->action) {
            $rcmail->output->set_env('hanam_hits', $this->words());
        } else {
            $rcmail->output->set_env('hanam_searches', $this->saved());
        }
        $rcmail->output->add_label(...array_map(fn ($name) => "hanam.$name", self::LABELS));
        $this->plugin->include_stylesheet('/styles/search.css');
        $this->plugin->include_script('search.js');
    }

    public function messages_list(array $hook): array
    {
        rcmail::get_instance()->output->set_env('hanam_hits', $this->words());
        return $hook;
    }

    /** Where a name is looked for, the addresses of who is called so are looked for as well. */
    public function imap_search_before(array $hook): array
    {
        // "from: ...", as Roundcube reads what was typed (rcmail_action_mail_search::search_input).
        $typed = preg_replace('/[\r\n]+/', ' ', rcube_utils::get_input_string('_q', rcube_utils::INPUT_GET, true));
        $words = preg_match('/^(from|to|reply-to|cc|bcc):/i', $typed) ? explode(':', $typed)[1] : $typed;
        $asked = rcube_imap_generic::escape(trim($words));
        $places = array_filter(
            ['TEXT', ...array_map(fn ($name) => "HEADER $name", self::NAMES)],
            fn ($place) => str_contains(" {$hook['search']} ", " $place $asked ")
        );
        $rows = $places ? hanam_accounts::rows('SELECT * FROM mail.book_named(?, ?)', trim($words), self::NAMED) : [];
        // IMAP has its "or" before the two that it joins, so one criterion may stand where another did.
        foreach ($rows ? $places : [] as $place) {
            $also = '';
            foreach ($place === 'TEXT' ? ['HEADER FROM', 'HEADER TO', 'HEADER CC'] : [$place] as $name) {
                foreach ($rows as $row) {
                    $also .= "OR $name " . rcube_imap_generic::escape(reset($row)) . ' ';
                }
            }
            $hook['search'] = trim(str_replace(" $place $asked ", " $also$place $asked ", " {$hook['search']} "));
        }
        return $hook;
    }

    /** Keep a search, in the place of one of the same name, or forget one. */
    public function change(): void
    {
        $rcmail = rcmail::get_instance();
        $posted = [];
        foreach (self::FIELDS as $field => $form) {
            $value = trim(rcube_utils::get_input_string("_$field", rcube_utils::INPUT_POST, true));
            $posted[$field] = preg_match($form, $value) ? $value : null;
        }
        $saved = array_values(array_filter($this->saved(), fn ($each) => $each['name'] !== $posted['name']));
        if (empty($_POST['_delete'])) {
            if (in_array(null, $posted, true) || $posted['q'] . $posted['interval'] === '') {
                $this->answer('searchnotsaved', 'error');
            }
            if (count($saved) >= self::MOST) {
                $this->answer('toomanysearches', 'error', ['most' => self::MOST]);
            }
            $saved[] = $posted;
            $collator = new Collator('vi_VN');
            usort($saved, fn ($one, $other) => $collator->compare($one['name'], $other['name']));
        }
        if (!$rcmail->user->save_prefs([self::SAVED => $saved])) {
            $this->answer('searchnotsaved', 'error');
        }
        $rcmail->output->command('plugin.hanam_searches', $saved);
        $this->answer(empty($_POST['_delete']) ? 'searchsaved' : 'searchdeleted', 'confirmation');
    }

    private function answer(string $text, string $kind, array $words = []): never
    {
        $output = rcmail::get_instance()->output;
        $output->show_message("hanam.$text", $kind, $words);
        $output->send();
        exit;
    }

    private function saved(): array
    {
        return (array) rcmail::get_instance()->config->get(self::SAVED, []);
    }

    /** What was searched for, while the list or the message comes from a search. */
    private function words(): string
    {
        $asked = rcube_utils::get_input_string('_search', rcube_utils::INPUT_GPC);
        $stands = rcmail::get_instance()->action === 'search'
            || $asked !== '' && $asked === ($_SESSION['search_request'] ?? null);
        return $stands ? (string) ($_SESSION['last_text_search'] ?? '') : '';
    }
}
