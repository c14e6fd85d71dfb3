<?php

require_once __DIR__ . '/hanam_letters.php';
require_once __DIR__ . '/hanam_list.php';

/**
 * "Khôi phục thư đã xóa": what was deleted for good, for some days, by folder, day and words (docs/decisions/0073-undelete-and-rules.md).
 *
 * The mail store keeps it below a prefix, in folders that are called as those where it was, and lists them to nobody who does not ask for the
 * prefix itself. What comes back is copied first, so that the mailbox's room counts, and then taken from there.
 */
class hanam_deleted extends hanam_list
{
    protected const ACTION = 'plugin.hanam-deleted';
    protected const NAME = 'deleted';

    protected function facts(): array
    {
        return ['days' => $this->rcmail->config->get('hanam_deleted_days')];
    }

    protected function content(): string
    {
        // As they are: a folder's name may hold what looks like a tag.
        $get = fn (string $name) => trim(rcube_utils::get_input_string($name, rcube_utils::INPUT_GPC, true));
        [$folder, $from, $until, $words, $page] = [$get('_mbox'), $get('_from'), $get('_until'), $get('_words'), max(0, (int) $get('_page'))];
        $folders = $this->folders();
        if ($folders === null) {
            return html::p('hanam-none', html::quote($this->text('away')));
        }
        $days = [self::day($from), self::day($until)];
        $wrong = array_filter([[$from, $days[0]], [$until, $days[1]]], fn (array $day) => $day[0] !== '' && $day[1] === null);
        $asked = ['_mbox' => $folder, '_from' => $from, '_until' => $until, '_words' => $words];
        $found = $wrong ? [] : $this->found(isset($folders[$folder]) ? [$folder => $folders[$folder]] : $folders, $days, $words);
        $shown = array_slice($found, $page * self::ROWS, self::ROWS);
        if ($wrong) {
            $list = html::p(['class' => 'hanam-none', 'role' => 'alert'], html::quote($this->text('wrongday')));
        } elseif (!$shown) {
            $list = html::p('hanam-none hanam-empty', html::quote($this->text(array_filter($asked) ? 'nonefound' : 'none')));
        } else {
            $list = html::p(['role' => 'status'], html::quote($this->text('number', ['number' => count($found)])))
                . $this->choice($this->described($shown), $asked + ['_page' => $page])
                . $this->pages($page, count($found), $asked);
        }
        return $this->question($folders, $asked) . $list;
    }

    protected function act(array $chosen): array
    {
        $prefix = $this->prefix();
        $by_folder = [];
        foreach ($chosen as $one) {
            if (preg_match('/^([1-9]\d{0,9}):(.+)$/s', (string) $one, $parts)) {
                $by_folder[$parts[2]][] = (int) $parts[1];
            }
        }
        if (!$by_folder) {
            return [$this->plugin->gettext('listnochoice'), 'warning'];
        }
        $storage = $this->rcmail->get_storage();
        $connection = $storage->conn;
        [$back, $places] = [0, []];
        foreach ($by_folder as $folder => $uids) {
            $target = $this->place($folder);
            $there = $connection->listMailboxes('', $target);
            if (!$there && !$storage->create_folder($target, true)) {
                return [$this->text('nofolder', ['folder' => $this->shown($target)]), 'error'];
            }
            if (!$connection->copy($uids, $prefix . $folder, $target)) {
                return [$this->text($connection->resultcode === 'OVERQUOTA' ? 'full' : 'failed', ['number' => $back]), 'error'];
            }
            if (!$connection->flag($prefix . $folder, $uids, 'DELETED') || !$connection->expunge($prefix . $folder, $uids)) {
                return [$this->text('failed', ['number' => $back]), 'error'];
            }
            $back += count($uids);
            $places[$this->shown($target)] = true;
            $storage->clear_cache($target);
        }
        return [$this->text('back', ['number' => $back, 'folder' => implode(', ', array_keys($places))]), 'confirmation'];
    }

    /** What is to be looked for. */
    private function question(array $folders, array $asked): string
    {
        $select = new html_select(['name' => '_mbox', 'id' => 'deleted-folder']);
        $select->add($this->text('anyfolder'), '');
        foreach (array_keys($folders) as $folder) {
            $select->add($this->shown($folder), $folder);
        }
        $field = fn (string $name, string $id, string $label, array $more = []) => html::div('row-field',
            html::label($id, html::quote($this->text($label)))
            . (new html_inputfield(['name' => $name, 'id' => $id, 'class' => 'form-control'] + $more))->show($asked[$name]));
        $day = ['placeholder' => $this->text('dayform'), 'maxlength' => 10, 'autocomplete' => 'off'];
        $hidden = (new html_hiddenfield(['name' => '_task', 'value' => 'settings']))->show()
            . (new html_hiddenfield(['name' => '_action', 'value' => self::ACTION]))->show();
        return html::tag('form', ['class' => 'hanam-question', 'method' => 'get', 'action' => './', 'role' => 'search'], $hidden
            . $field('_words', 'deleted-words', 'words')
            . html::div('row-field', html::label('deleted-folder', html::quote($this->text('folder'))) . $select->show($asked['_mbox']))
            . $field('_from', 'deleted-from', 'from', $day) . $field('_until', 'deleted-until', 'until', $day)
            . html::tag('button', ['type' => 'submit', 'class' => 'btn btn-secondary search'], html::quote($this->text('look')), ['type', 'class']),
            ['class', 'method', 'action', 'role']);
    }

    private function choice(array $rows, array $asked): string
    {
        $button = html::tag('button', ['type' => 'submit', 'class' => 'btn btn-primary'], html::quote($this->text('restore')),
            ['type', 'class']);
        return $this->form($this->all() . $this->rows($rows) . html::div('hanam-buttons', $button), $asked);
    }

    private function pages(int $page, int $number, array $asked): string
    {
        $links = [];
        if ($page > 0) {
            $links[] = html::a($this->address($asked + ['_page' => $page - 1]), html::quote($this->text('newer')));
        }
        if (($page + 1) * self::ROWS < $number) {
            $links[] = html::a($this->address($asked + ['_page' => $page + 1]), html::quote($this->text('older')));
        }
        return $links ? html::p('hanam-pages', implode(' ', $links)) : '';
    }

    /**
     * Messages, the last deleted first.
     *
     * @return array<array{folder: string, uid: int, at: int, header?: rcube_message_header}>
     */
    private function found(array $folders, array $days, string $words): array
    {
        $found = [];
        $words = preg_split('/\s+/', hanam_letters::folded($words), -1, PREG_SPLIT_NO_EMPTY);
        foreach ($folders as $folder => $times) {
            $times = array_filter($times, fn (int $at) => ($days[0] === null || $at >= $days[0]->getTimestamp())
                && ($days[1] === null || $at < $days[1]->modify('+1 day')->getTimestamp()));
            $headers = $words && $times ? $this->headers($folder, array_keys($times)) : [];
            foreach ($times as $uid => $at) {
                $row = ['folder' => $folder, 'uid' => $uid, 'at' => $at];
                if ($words) {
                    if (!isset($headers[$uid])) {
                        continue;
                    }
                    $row['header'] = $headers[$uid];
                    $text = hanam_letters::folded(implode(' ', array_map($headers[$uid]->get(...), ['subject', 'from', 'to'])));
                    if (array_filter($words, fn (string $word) => !str_contains($text, $word))) {
                        continue;
                    }
                }
                $found[] = $row;
            }
        }
        usort($found, fn (array $one, array $other) => [$other['at'], $other['uid']] <=> [$one['at'], $one['uid']]);
        return $found;
    }

    private function described(array $found): array
    {
        $lacking = [];
        foreach ($found as $row) {
            if (!isset($row['header'])) {
                $lacking[$row['folder']][] = $row['uid'];
            }
        }
        $headers = [];
        foreach ($lacking as $folder => $uids) {
            $headers[$folder] = $this->headers($folder, $uids);
        }
        $rows = [];
        foreach ($found as $row) {
            $header = $row['header'] ?? $headers[$row['folder']][$row['uid']] ?? null;
            if (!$header) {
                continue;  // gone at this moment
            }
            // What its owner wrote himself is known by whom it was for.
            $own = in_array($row['folder'], [$this->rcmail->config->get('sent_mbox'), $this->rcmail->config->get('drafts_mbox')], true);
            $rows[$row['uid'] . ':' . $row['folder']] = [
                'subject' => trim((string) $header->get('subject')),
                'author' => ($own ? $this->text('to') . ' ' : '') . self::names((string) $header->get($own ? 'to' : 'from', false)),
                'lines' => [
                    $this->text('was', ['folder' => $this->shown($row['folder'])]),
                    $this->text('at', ['at' => $this->rcmail->format_date($row['at'], 'H:i d/m/Y')]),
                ],
            ];
        }
        return $rows;
    }

    /** People by their names, or by their addresses where they have none. */
    private static function names(string $list): string
    {
        $people = rcube_mime::decode_address_list($list, 3, true);
        return implode(', ', array_map(fn (array $one) => $one['name'] !== '' ? $one['name'] : $one['mailto'], $people));
    }

    /** @return array<int, rcube_message_header> by UID */
    private function headers(string $folder, array $uids): array
    {
        $headers = [];
        foreach ($this->rcmail->get_storage()->conn->fetchHeaders($this->prefix() . $folder, $uids, true) ?: [] as $header) {
            $headers[$header->uid] = $header;
        }
        return $headers;
    }

    /**
     * Folders that hold deleted mail, and of each message when it was deleted, by UID. Null when the mail store does not say.
     *
     * @return ?array<string, array<int, int>>
     */
    private function folders(): ?array
    {
        $connection = $this->rcmail->get_storage()->conn;
        $listed = $connection->listMailboxes('', $this->prefix() . '*');
        if ($listed === false) {
            return null;
        }
        $folders = [];
        foreach ($listed as $name) {
            // A name that only holds others cannot be opened.
            if (!$connection->select($name) || !$connection->data['EXISTS']) {
                continue;
            }
            [$code, $said] = $connection->execute('UID FETCH', ['1:*', '(UID SAVEDATE)']);
            if ($code !== rcube_imap_generic::ERROR_OK) {
                return null;
            }
            preg_match_all('/^\* \d+ FETCH \(UID (\d+) SAVEDATE "([^"]+)"/mi', $said, $lines, PREG_SET_ORDER);
            foreach ($lines as [, $uid, $at]) {
                $folders[substr($name, strlen($this->prefix()))][(int) $uid] = strtotime($at);
            }
        }
        uksort($folders, fn (string $one, string $other) => [$one !== 'INBOX', $this->shown($one)] <=> [$other !== 'INBOX', $this->shown($other)]);
        return $folders;
    }

    /** Where a message goes back to: what was thrown away once lay somewhere else before, nobody knows where. */
    private function place(string $folder): string
    {
        return $folder === $this->rcmail->config->get('trash_mbox') ? 'INBOX' : $folder;
    }

    private function shown(string $folder): string
    {
        return $folder === $this->rcmail->config->get('archive_mbox') ? $this->plugin->gettext('archive')
            : $this->rcmail->localize_folderpath($folder);
    }

    private function prefix(): string
    {
        return $this->rcmail->config->get('hanam_deleted_prefix');
    }

    /** A day as people here write it. */
    private static function day(string $text): ?DateTimeImmutable
    {
        if (!preg_match('#^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$#', $text, $parts) || !checkdate((int) $parts[2], (int) $parts[1], (int) $parts[3])) {
            return null;
        }
        $zone = new DateTimeZone(rcube::get_instance()->config->get('timezone'));
        return new DateTimeImmutable("$parts[3]-$parts[2]-$parts[1]", $zone);
    }
}
