<?php

require_once __DIR__ . '/hanam_tidy_store.php';

/**
 * "Dọn hộp thư" (Đ12.4): what takes the room, what is old, folder by folder; to the archive of its year, or away, in bulk. Forms and links
 * only: it works by keyboard, on a telephone, and without scripts. What is deleted goes to the trash; of what goes for good, and of
 * whole ranges, the page asks once more and says how much it is.
 */
class hanam_tidy
{
    private const ACTION = 'plugin.hanam-tidy';

    private hanam_tidy_store $store;
    /** What became of the last request, and whether all of it did. */
    private string $told = '';
    private bool $failed = false;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        if (rcmail::get_instance()->task === 'settings') {
            $this->plugin->add_hook('settings_actions', [$this, 'settings_actions']);
            $this->plugin->register_action(self::ACTION, [$this, 'page']);
        }
    }

    public static function url(array $words = []): string
    {
        return './?' . http_build_query(['_task' => 'settings', '_action' => self::ACTION] + $words);
    }

    /** As everywhere in the webmail, but that only a full mailbox is full. */
    public static function percent(array $quota): int
    {
        $percent = (int) round($quota['used'] * 100 / $quota['total']);
        return $quota['used'] < $quota['total'] ? min($percent, 99) : $percent;
    }

    public function settings_actions(array $hook): array
    {
        $hook['actions'][] = ['action' => self::ACTION, 'class' => 'tidy', 'label' => 'tidy', 'domain' => 'hanam', 'title' => 'hanam.tidy'];
        return $hook;
    }

    public function page(): void
    {
        $output = rcmail::get_instance()->output;
        $this->store = new hanam_tidy_store();
        $body = $_SERVER['REQUEST_METHOD'] === 'POST' ? $this->done() : $this->asked();
        $this->plugin->register_handler('plugin.body', fn () => $body);
        $this->plugin->include_stylesheet('/styles/notices.css');
        $this->plugin->include_script('tidy.js');
        $output->set_pagetitle($this->said('tidy'));
        $output->send('plugin');
    }

    /** What a link asks to see, or a form of a range to know first. */
    private function asked(): string
    {
        $folder = $this->folder(self::given('_folder'));
        if (self::given('_before') !== '' && $folder !== null) {
            return $this->range($folder, self::given('_before'), self::given('_do'));
        }
        return $this->overview($folder);
    }

    /** What a form does. Roundcube has checked its token. */
    private function done(): string
    {
        $act = self::given('_do', rcube_utils::INPUT_POST);
        $folder = $this->folder(self::given('_folder', rcube_utils::INPUT_POST));
        $before = self::given('_before', rcube_utils::INPUT_POST);
        if ($before !== '' && $folder !== null && ($day = $this->day($before))) {
            // What came after the question was not asked about; without its mark nothing was.
            $last = self::given('_last', rcube_utils::INPUT_POST) ?: '0:0';
            $uids = array_slice($this->store->before($folder, $day, $last), 0, hanam_tidy_store::AT_ONCE);
            $this->tell($act, $this->act($act, $folder, $uids), count($uids));
            $left = $this->store->before($folder, $day, $last);
            $this->store = new hanam_tidy_store();
            return $left && !$this->failed ? $this->range($folder, $before, $act, $last) : $this->overview($this->folder($folder));
        }
        $picked = $this->picked();
        $sure = !empty($_POST['_sure']);
        $for_good = array_filter(array_keys($picked), fn ($name) => $this->store->for_good((string) $name));
        if ($act === 'delete' && $for_good && !$sure) {
            return $this->sure($picked);
        }
        $done = $all = 0;
        foreach ($picked as $name => $uids) {
            $done += $this->act($act, (string) $name, $uids);
            $all += count($uids);
        }
        $this->tell($act, $done, $all);
        $this->store = new hanam_tidy_store();
        return $this->overview($folder === null ? null : $this->folder($folder));
    }

    private function act(string $act, string $folder, array $uids): int
    {
        return $uids && in_array($act, ['archive', 'delete']) ? $this->store->$act($folder, $uids) : 0;
    }

    private function tell(string $act, int $done, int $all): void
    {
        $this->failed = $done < $all;
        $text = match (true) {
            $all === 0 => $this->said('tidynone'),
            $done > 0 => $this->said($act === 'archive' ? 'tidyarchived' : 'tidydeleted', ['count' => self::number($done)]),
            default => '',
        };
        if ($this->failed) {
            $text = trim("$text " . $this->said('tidyfailed', ['count' => self::number($all - $done)]));
        }
        $this->told = html::p(['class' => 'told' . ($this->failed ? ' bad' : ''), 'role' => 'status'], html::quote($text));
    }

    // --- Pages ---

    private function overview(?string $folder): string
    {
        $view = self::given('_view', rcube_utils::INPUT_GPC) === 'oldest' ? 'oldest' : 'largest';
        $folders = array_map('strval', array_keys($this->store->folders()));
        $names = $folder === null ? $folders : [$folder];
        if ($folder === null && $view === 'oldest') {
            $names = array_filter($names, fn ($name) => !$this->store->aside($name));
        }
        $messages = $view === 'oldest' ? $this->store->oldest($names) : $this->store->largest($names);
        return $this->whole($this->space() . $this->told
            . $this->messages($messages, $folder, $view)
            . $this->ranges($folders, $folder)
            . $this->table());
    }

    /** How much of the mailbox is used. */
    private function space(): string
    {
        $quota = rcmail::get_instance()->get_storage()->get_quota();
        $text = empty($quota['total']) ? '' : html::p('space', html::quote($this->said('tidyspace', [
            'used' => rcmail_action::show_bytes($quota['used'] * 1024), 'total' => rcmail_action::show_bytes($quota['total'] * 1024),
            'percent' => self::percent($quota),
        ])) . ' ' . html::tag('progress', [
            'max' => $quota['total'], 'value' => min($quota['used'], $quota['total']), 'aria-label' => $this->said('tidyusedlabel'),
        ], ''));
        return $text . html::p('hint', html::quote($this->said('tidyhint')));
    }

    private function messages(array $messages, ?string $folder, string $view): string
    {
        $tabs = $rows = '';
        foreach (['largest', 'oldest'] as $each) {
            $words = ['_view' => $each] + ($folder === null ? [] : ['_folder' => $folder]);
            $here = $each === $view ? ['aria-current' => 'page'] : [];
            $tabs .= html::a(['href' => self::url($words)] + $here, html::quote($this->said("tidy$each")));
        }
        $head = $this->said("tidy$view" . ($folder === null ? '' : 'in'), ['folder' => $folder === null ? '' : $this->name($folder)]);
        $all = $folder === null ? '' : html::p(null, html::a(self::url(['_view' => $view]), html::quote($this->said('tidyallfolders'))));
        foreach ($messages as $number => $each) {
            $rows .= $this->row($number, $each['folder'], $each['message']);
        }
        if ($rows === '') {
            $list = html::p('hanam-empty', html::quote($this->said('tidyempty')));
        } else {
            $every = html::tag('label', ['class' => 'every', 'hidden' => 'hidden'],
                html::tag('input', ['type' => 'checkbox', 'id' => 'tidy-every']) . ' ' . html::quote($this->said('tidyevery')));
            $every .= html::tag('span', ['id' => 'tidy-pick', 'hidden' => 'hidden'], html::quote($this->said('tidypick')));
            $list = $every . html::tag('ul', 'messages', $rows) . html::div('acts', $this->button('archive') . $this->button('delete', 'danger'));
            $list = $this->form(['_view' => $view] + ($folder === null ? [] : ['_folder' => $folder]), $list);
        }
        $cut = $this->store->cut ? html::p('hint', html::quote($this->said('tidycut'))) : '';
        return html::tag('nav', ['class' => 'tabs', 'aria-label' => $this->said('tidyviews')], $tabs)
            . html::tag('h2', null, html::quote($head)) . $all . $cut . $list;
    }

    private function row(int $number, string $folder, rcube_message_header $message): string
    {
        $subject = trim((string) $message->get('subject')) ?: rcube::get_instance()->gettext('nosubject');
        $from = rcube_mime::decode_address_list($message->from, 1, true, $message->charset);
        $sender = ($from = reset($from)) ? ($from['name'] ?: $from['mailto']) : '';
        $open = './?' . http_build_query(['_task' => 'mail', '_action' => 'show', '_mbox' => $folder, '_uid' => $message->uid]);
        $time = rcube_utils::strtotime($message->internaldate ?: $message->date);
        $date = $time ? $this->store->here($time)->format('d/m/Y') : '';
        $facts = array_filter([rcmail_action::show_bytes($message->size), $date, $sender, $this->name($folder)]);
        $box = html::tag('input', [
            'type' => 'checkbox', 'name' => '_pick[]', 'value' => "$message->uid:$folder", 'id' => "tidy-$number",
            'aria-labelledby' => "tidy-pick tidy-subject-$number",
        ]);
        $link = html::a(['href' => $open, 'class' => 'subject', 'id' => "tidy-subject-$number"], html::quote($subject));
        return html::tag('li', null, $box . html::div(null, $link . html::div('facts', html::quote(implode(' · ', $facts)))));
    }

    /** All that came into a folder before a day. */
    private function ranges(array $folders, ?string $folder): string
    {
        $options = '';
        foreach ($folders as $name) {
            $chosen = $name === ($folder ?? 'INBOX') ? ['selected' => 'selected'] : [];
            $options .= html::tag('option', ['value' => $name] + $chosen, html::quote($this->name($name)));
        }
        $year = $this->store->here(time())->format('Y');
        $fields = html::div('field', html::label('tidy-folder', html::quote($this->said('tidyfolder')))
                . html::tag('select', ['id' => 'tidy-folder', 'name' => '_folder', 'class' => 'custom-select form-control'], $options))
            . html::div('field', html::label('tidy-before', html::quote($this->said('tidybefore')))
                . html::tag('input', ['type' => 'date', 'id' => 'tidy-before', 'name' => '_before', 'value' => "$year-01-01",
                    'required' => 'required', 'class' => 'form-control']));
        $form = html::tag('form', ['method' => 'get', 'action' => './'],
            self::hidden(['_task' => 'settings', '_action' => self::ACTION]) . $fields
            . html::div('acts', $this->button('archive', '', 'tidylookarchive') . $this->button('delete', 'danger', 'tidylookdelete')));
        return $options === '' ? '' : html::tag('h2', null, html::quote($this->said('tidyrange'))) . $form;
    }

    /** What a range holds, and the question whether to go on; with `last` of what was there at that mark. */
    private function range(string $folder, string $before, string $act, string $last = ''): string
    {
        $act = $act === 'archive' ? 'archive' : 'delete';
        $day = $this->day($before);
        if (!$day) {
            $this->told = html::p(['class' => 'told bad', 'role' => 'status'], html::quote($this->said('tidyday')));
            return $this->overview($folder);
        }
        $uids = $this->store->before($folder, $day, $last);
        if (!$uids || $act === 'archive' && $this->store->archived($folder)) {
            $this->told .= html::p(['class' => 'told', 'role' => 'status'], html::quote($this->said($uids ? 'tidyarchivedalready' : 'tidynone')));
            return $this->overview($folder);
        }
        $some = array_slice($uids, 0, hanam_tidy_store::AT_ONCE);
        $text = $this->said($act === 'archive' ? 'tidysurearchive' : ($this->store->for_good($folder) ? 'tidysuregood' : 'tidysuredelete'), [
            'count' => self::number(count($uids)), 'size' => rcmail_action::show_bytes($this->store->size($folder, $uids)),
            'folder' => $this->name($folder), 'day' => $day->format('d/m/Y'),
        ]);
        $part = count($some) < count($uids) ? html::p('hint', html::quote($this->said('tidypart', ['count' => self::number(count($some))]))) : '';
        return $this->whole($this->told . html::tag('h2', null, html::quote($this->said('tidysure'))) . html::p(null, html::quote($text)) . $part
            . $this->form(['_folder' => $folder, '_before' => $day->format('Y-m-d'), '_last' => $last ?: $this->store->last($folder, $uids)],
                html::div('acts', $this->button($act, $act === 'delete' ? 'danger' : '', 'tidygo' . $act)
                . html::a(['href' => self::url(), 'class' => 'button'], html::quote($this->said('tidyback'))))));
    }

    /** Some of what was picked is gone for good if it is deleted. */
    private function sure(array $picked): string
    {
        $boxes = '';
        foreach ($picked as $name => $uids) {
            $boxes .= implode('', array_map(fn ($uid) => self::hidden(['_pick[]' => "$uid:$name"]), $uids));
        }
        $count = self::number(array_sum(array_map('count', $picked)));
        return $this->whole(html::tag('h2', null, html::quote($this->said('tidysure')))
            . html::p(null, html::quote($this->said('tidysurepicked', ['count' => $count])))
            . $this->form(['_sure' => '1'], $boxes . html::div('acts', $this->button('delete', 'danger', 'tidygodelete')
            . html::a(['href' => self::url(), 'class' => 'button'], html::quote($this->said('tidyback'))))));
    }

    /** Folder by folder, as they are now. */
    private function table(): string
    {
        $cell = fn (string $text, ?string $class = null) => html::tag('td', $class, $text);
        $rows = $heads = '';
        foreach ($this->store->folders() as $name => $has) {
            $name = (string) $name;
            $tomorrow = $this->store->here(time())->modify('+1 day')->format('Y-m-d');
            $empty = $this->store->for_good($name)
                ? html::a(self::url(['_folder' => $name, '_before' => $tomorrow, '_do' => 'delete']), html::quote($this->said('tidyemptyfolder')))
                : '';
            $rows .= html::tag('tr', null,
                html::tag('th', ['scope' => 'row'], html::a(self::url(['_folder' => $name]), html::quote($this->name($name))))
                . $cell(self::number($has['messages']), 'number') . $cell(rcmail_action::show_bytes($has['size']), 'number') . $cell($empty));
        }
        foreach (['tidyfolder', 'tidymessages', 'tidysize', 'tidymore'] as $head) {
            $heads .= html::tag('th', ['scope' => 'col'], html::quote($this->said($head)));
        }
        return html::tag('h2', null, html::quote($this->said('tidyfolders')))
            . html::tag('table', 'folders', html::tag('thead', null, html::tag('tr', null, $heads)) . html::tag('tbody', null, $rows));
    }

    // --- Parts ---

    private function whole(string $parts): string
    {
        return html::div(['class' => 'scroller formcontent', 'id' => 'tidy'], html::tag('h1', 'voice', html::quote($this->said('tidy'))) . $parts);
    }

    private function form(array $words, string $parts): string
    {
        // Roundcube puts its token into each form that posts.
        return html::tag('form', ['method' => 'post', 'action' => self::url()], self::hidden($words) . $parts);
    }

    private function button(string $act, string $class = '', ?string $label = null): string
    {
        $class = 'btn btn-' . ($class ?: 'primary');
        return html::tag('button', ['type' => 'submit', 'name' => '_do', 'value' => $act, 'class' => $class],
            html::quote($this->said($label ?? "tidy$act")));
    }

    private static function hidden(array $words): string
    {
        $field = fn ($name, $value) => html::tag('input', ['type' => 'hidden', 'name' => $name, 'value' => $value]);
        return implode('', array_map($field, array_keys($words), $words));
    }

    /** Messages that a form names, by folder: those of the person's own folders. */
    private function picked(): array
    {
        $picked = [];
        foreach (array_slice((array) ($_POST['_pick'] ?? []), 0, hanam_tidy_store::AT_ONCE) as $pick) {
            [$uid, $name] = explode(':', (string) $pick, 2) + ['', ''];
            $name = $this->folder($name);
            if ($name !== null && ctype_digit($uid)) {
                $picked[$name][] = (int) $uid;
            }
        }
        return $picked;
    }

    private function folder(string $name): ?string
    {
        return isset($this->store->folders()[$name]) ? $name : null;
    }

    private function day(string $text): ?DateTimeImmutable
    {
        $day = DateTimeImmutable::createFromFormat('!Y-m-d', $text);
        return $day && $day->format('Y-m-d') === $text ? $day : null;
    }

    private function name(string $folder): string
    {
        $archive = (string) rcube::get_instance()->config->get('archive_mbox');
        return $this->store->archived($folder)
            ? $this->plugin->gettext('archive') . rcube_charset::convert(substr($folder, strlen($archive)), 'UTF7-IMAP')
            : rcmail_action::localize_foldername($folder, true);
    }

    private function said(string $label, array $vars = []): string
    {
        return $this->plugin->gettext(['name' => $label, 'vars' => $vars]);
    }

    private static function given(string $name, int $from = rcube_utils::INPUT_GET): string
    {
        return (string) rcube_utils::get_input_string($name, $from, true);
    }

    private static function number(int $number): string
    {
        return number_format($number, 0, ',', '.');
    }
}
