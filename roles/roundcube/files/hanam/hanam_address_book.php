<?php

require_once __DIR__ . '/hanam_accounts.php';
require_once __DIR__ . '/hanam_letters.php';

/**
 * The address book of the administration as Roundcube reads books: nobody writes it here. Agencies are its groups. The accounts database
 * finds, lists, and says to which groups this login may write at once (sql/functions/83_address_book.sql).
 */
class hanam_address_book extends rcube_addressbook
{
    /** No sign that Roundcube parts ids by. */
    public const ID = 'hanam';

    public $primary_key = 'ID';
    public $groups = true;
    public $export_groups = false;
    public $readonly = true;
    public $ready = true;
    public $coltypes = [
        'name' => ['limit' => 1],
        'jobtitle' => ['limit' => 1],
        'organization' => ['limit' => 1],
        'email' => ['limit' => 1, 'subtypes' => null],
    ];
    /** Where a group stands for those to whom one writes at once. */
    private const WRITING = ['autocomplete', 'group-expand', 'list-contacts', 'search-contacts', 'mailto'];

    /** Entries that are offered while one types: a person's own addresses have room after them. */
    private const OFFERED = 10;
    /** Where names are to be chosen from, and are written nowhere. */
    private const SHOWING = ['list', 'search'];

    /** What was typed, or the ids that were asked for; null for all. */
    private string|array|null $filter = null;
    private ?rcube_result_set $result = null;
    private ?array $agencies = null;

    public function __construct(private rcube_plugin $plugin, private string $login, private string $action)
    {
    }

    public function get_name()
    {
        return $this->plugin->gettext('book');
    }

    public function set_search_set($filter)
    {
        $this->filter = is_string($filter) || is_array($filter) ? $filter : null;
    }

    public function get_search_set()
    {
        return $this->filter;
    }

    public function reset()
    {
        $this->filter = $this->result = null;
    }

    public function list_records($cols = null, $subset = 0, $nocount = false)
    {
        $skip = ($this->list_page - 1) * $this->page_size;
        $most = $this->page_size;
        if ($this->action === 'autocomplete') {
            $most = min($most, self::OFFERED);
        }
        if ($subset) {
            $skip += $subset < 0 ? $this->page_size + $subset : 0;
            $most = abs($subset);
        }
        $agency = $this->group_id ? self::bare($this->group_id) : null;
        if ($agency !== null && $this->writes()) {
            return $this->result = $this->receivers($agency);
        }
        $rows = is_array($this->filter)
            ? $this->rows('SELECT * FROM mail.book_entries(?::text[])', self::list_of($this->addresses($this->filter)))
            : $this->rows('SELECT * FROM mail.book_search(?, ?, ?, ?)', (string) $this->filter, $agency, $skip, $most);
        $this->result = new rcube_result_set((int) ($rows[0]['found'] ?? 0), is_array($this->filter) ? 0 : $skip);
        array_walk($rows, fn ($row) => $this->result->add($this->record($row)));
        return $this->result;
    }

    public function search($fields, $value, $mode = 0, $select = true, $nocount = false, $required = [])
    {
        $known = array_keys($this->coltypes);
        if ($fields === $this->primary_key) {
            $this->filter = is_array($value) ? $value : explode(self::SEPARATOR, (string) $value);
        } elseif (array_diff(array_filter((array) $required), $known)) {
            return $this->result = new rcube_result_set();  // what nobody here has, a picture say
        } elseif ((int) $mode & self::SEARCH_STRICT) {
            $this->filter = array_map(self::key(...), array_filter((array) $value, fn ($each) => str_contains((string) $each, '@')));
        } elseif (is_array($value) && array_diff((array) $fields, $known)) {
            return $this->result = new rcube_result_set();
        } else {
            // PostgreSQL takes no NUL.
            $this->filter = str_replace("\0", '', implode(' ', (array) $value));
        }
        return $select ? $this->list_records(null, 0, $nocount) : $this->result = $this->count();
    }

    public function count()
    {
        $group = $this->group_id ? $this->agencies()[$this->group_id] ?? null : null;
        if ($group && ($this->filter === null || $this->writes())) {
            return new rcube_result_set((int) $group[$this->writes() ? 'receivers' : 'entries'], 0);
        }
        $page = [$this->list_page, $this->page_size, $this->result];
        [$this->list_page, $this->page_size] = [1, 1];
        $found = $this->list_records()->count;
        [$this->list_page, $this->page_size, $this->result] = $page;
        return new rcube_result_set($found, ($this->list_page - 1) * $this->page_size);
    }

    public function get_result()
    {
        return $this->result;
    }

    public function get_record($id, $assoc = false)
    {
        $rows = $this->rows('SELECT * FROM mail.book_entries(?::text[])', self::list_of($this->addresses([$id])));
        $this->result = new rcube_result_set(count($rows));
        array_walk($rows, fn ($row) => $this->result->add($this->record($row)));
        return $assoc ? $this->result->first() : $this->result;
    }

    public function set_group($group_id)
    {
        $this->group_id = $group_id ?: null;
    }

    public function list_groups($search = null, $mode = 0)
    {
        // An entry's page would list all of them, to be ticked; while one types they come first (hanam_book.php).
        return in_array($this->action, ['show', 'autocomplete'], true) ? [] : $this->groups_for((string) $search);
    }

    /** The groups that fit, in the order of their names. A group of a single mailbox is left out: one writes to the mailbox. */
    public function groups_for(string $search): array
    {
        $words = array_filter(explode(' ', self::folded($search)), 'strlen');
        $fits = fn (array $group) => !array_filter($words, fn ($word) => !str_contains(" $group[folded]", " $word"));
        return array_values(array_filter($this->agencies(), fn ($group) => $fits($group) && (!$this->writes() || $group['receivers'] > 1)));
    }

    public function get_group($group_id)
    {
        return $this->agencies()[$group_id] ?? null;
    }

    public function get_record_groups($id)
    {
        $record = $this->get_record($id, true);
        return $record ? [$record['_agency'] => $record['organization'] ?: $record['name']] : [];
    }

    /** All agencies by their id in pages, in the order of their names. */
    private function agencies(): array
    {
        if ($this->agencies === null) {
            $this->agencies = [];
            foreach ($this->rows('SELECT * FROM mail.book_groups(?, ?)', $this->login, $this->writes() ? 't' : 'f') as $row) {
                $id = bin2hex($row['code']);
                // The column of groups is narrow and cuts long names where they are still alike: the short form that everybody writes.
                $name = $this->writes()
                    ? $this->plugin->gettext(['name' => 'alloffices', 'vars' => ['agency' => $row['name']]])
                    : preg_replace('/^Ủy ban nhân dân /u', 'UBND ', $row['name']);
                $folded = self::folded("$row[name] $row[code]");
                $this->agencies[$id] = ['ID' => $id, 'name' => $name, 'folded' => $folded] + $row;
            }
            uasort($this->agencies, fn ($one, $other) => $one['folded'] <=> $other['folded']);
        }
        return $this->agencies;
    }

    /** Those of an agency to whom this login may write at once; when he may not, he is told. */
    private function receivers(string $agency): rcube_result_set
    {
        $rows = $this->rows('SELECT * FROM mail.book_receivers(?, ?)', $this->login, $agency);
        $result = new rcube_result_set(count($rows));
        foreach ($rows as $row) {
            $result->add($this->record($row + ['post' => '', 'agency_name' => '', 'code' => $agency, 'kind' => 'office']));
        }
        if (!$rows) {
            rcmail::get_instance()->output->show_message('hanam.groupnotallowed', 'error');
        }
        return $result;
    }

    private function record(array $row): array
    {
        // Two of one name differ by their post and agency.
        $agency = $row['kind'] === 'agency' ? '' : $row['agency_name'];
        $place = implode(', ', array_filter([$row['post'], $agency], 'strlen'));
        return [
            'ID' => self::key($row['address']),
            'name' => $row['name'] . ($place !== '' && in_array($this->action, self::SHOWING, true) ? " – $place" : ''),
            'email' => $row['address'],
            'jobtitle' => $row['post'],
            'organization' => $agency,
            'place' => $place,
            '_agency' => bin2hex($row['code']),
        ];
    }

    private function writes(): bool
    {
        return in_array($this->action, self::WRITING, true);
    }

    private function addresses(array $ids): array
    {
        return array_filter(array_map(self::bare(...), $ids), fn ($address) => str_contains($address, '@'));
    }

    private function rows(string $question, mixed ...$words): array
    {
        return hanam_accounts::rows($question, ...$words) ?? [];
    }

    private static function key(string $address): string
    {
        return bin2hex(mb_strtolower($address));
    }

    private static function bare(mixed $id): string
    {
        $bare = is_string($id) && strlen($id) % 2 === 0 && ctype_xdigit($id) ? mb_scrub(hex2bin($id)) : '';
        return preg_match('/^[^\x00-\x20"\\\\{}]+$/', $bare) ? $bare : '';
    }

    /** As PostgreSQL writes an array; see addresses(). */
    private static function list_of(array $texts): string
    {
        return '{' . implode(',', array_map(fn ($text) => "\"$text\"", $texts)) . '}';
    }

    /** As mail.book_fold makes it: words of small letters and digits, parted by one blank. */
    private static function folded(string $text): string
    {
        return trim(preg_replace('/[^a-z0-9]+/', ' ', strtr(hanam_letters::folded($text), ['ð' => 'd'])));
    }
}
