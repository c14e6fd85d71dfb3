<?php

/**
 * What the page for tidying up asks of the mail store, and orders from it. Each takes a bounded time, however large the mailbox: the
 * mail store sums up and sorts, and of each folder only the first messages are looked at.
 */
class hanam_tidy_store
{
    public const SHOWN = 50;
    /** So many are moved or deleted in one request, the oldest first. */
    public const AT_ONCE = 1000;
    /** After so many seconds no further folder is looked at. */
    private const PATIENCE = 8;

    /** Whether some folders were left out for lack of time. */
    public bool $cut = false;

    private rcube_imap $storage;
    private rcube_imap_generic $imap;
    private ?array $folders = null;

    public function __construct()
    {
        $this->storage = rcmail::get_instance()->get_storage();
        $this->imap = $this->storage->conn;
    }

    /** The person's own folders that hold mail: name => messages and size, the largest first. */
    public function folders(): array
    {
        if ($this->folders === null) {
            $this->folders = [];
            // A question each: Roundcube cannot read the answer to one for all of them.
            foreach ($this->imap->listMailboxes('', '*') ?: [] as $name) {
                $status = $this->storage->folder_namespace($name) === 'personal' ? $this->imap->status($name, ['MESSAGES', 'SIZE']) : null;
                if (!empty($status['MESSAGES'])) {
                    $this->folders[$name] = ['messages' => (int) $status['MESSAGES'], 'size' => (int) ($status['SIZE'] ?? 0)];
                }
            }
            uasort($this->folders, fn ($one, $other) => $other['size'] <=> $one['size']);
        }
        return $this->folders;
    }

    /** The largest messages of folders. @return list<array{folder: string, message: rcube_message_header}> */
    public function largest(array $names): array
    {
        $folders = array_intersect_key($this->folders(), array_flip($names));
        return $this->first(
            $folders,
            fn ($name) => array_slice($this->imap->sort($name, 'SIZE', 'UNDELETED', true)->get(), -self::SHOWN),
            'SIZE',
            fn ($one, $other) => $other <=> $one,
            // The largest folders come first. A folder smaller than the smallest message found so far holds no larger one.
            fn ($name, $last) => $folders[$name]['size'] <= $last,
        );
    }

    /** The messages of folders that came first. */
    public function oldest(array $names): array
    {
        return $this->first(
            array_intersect_key($this->folders(), array_flip($names)),
            fn ($name) => array_slice($this->imap->sort($name, 'ARRIVAL', 'UNDELETED', true)->get(), 0, self::SHOWN),
            'INTERNALDATE',
            fn ($one, $other) => $one <=> $other,
            fn () => false,
        );
    }

    /** UIDs of what came into a folder before a day, the oldest first; with `last` none that was not there at that mark. */
    public function before(string $folder, DateTimeInterface $day, string $last = ''): array
    {
        $until = '';
        if ($last !== '') {
            [$validity, $uid] = explode(':', $last, 2) + ['', ''];
            // A folder that was made anew meanwhile has nothing of what was asked about.
            if ($validity !== $this->validity($folder) || !ctype_digit($uid) || (int) $uid === 0) {
                return [];
            }
            $until = "UID 1:$uid ";
        }
        return $this->imap->sort($folder, 'ARRIVAL', "{$until}UNDELETED BEFORE " . $day->format('j-M-Y'), true)->get();
    }

    /** A mark of what lies in a folder now: whatever comes later has a higher UID. */
    public function last(string $folder, array $uids): string
    {
        return $this->validity($folder) . ':' . max($uids);
    }

    private function validity(string $folder): string
    {
        return (string) ($this->imap->status($folder, ['UIDVALIDITY'])['UIDVALIDITY'] ?? '');
    }

    /** Octets of messages of one folder together. */
    public function size(string $folder, array $uids): int
    {
        return $uids ? array_sum($this->imap->fetchHeaderIndex($folder, $uids, 'SIZE', false, true, true) ?: []) : 0;
    }

    /** Into the archive's folder of the year in which each message came; returns how many went. */
    public function archive(string $folder, array $uids): int
    {
        $archive = $this->special('archive_mbox');
        if ($archive === '' || $this->within($folder, $archive)) {
            return 0;
        }
        $years = [];
        foreach ($this->imap->fetchHeaderIndex($folder, $uids, 'INTERNALDATE', false, true, true) ?: [] as $uid => $time) {
            $years[$this->here($time)->format('Y')][] = $uid;
        }
        $done = 0;
        foreach ($years as $year => $of_year) {
            $done += $this->move($folder, $of_year, $archive . $this->storage->get_hierarchy_delimiter() . $year);
        }
        return $done;
    }

    /** Into the trash; what lies there, or among spam, is deleted for good. */
    public function delete(string $folder, array $uids): int
    {
        if (!$this->for_good($folder)) {
            return $this->move($folder, $uids, $this->special('trash_mbox'));
        }
        return $uids && $this->storage->delete_message($uids, $folder) ? count($uids) : 0;
    }

    /** Whether what is deleted in a folder is gone. */
    public function for_good(string $folder): bool
    {
        $trash = $this->special('trash_mbox');
        return $trash === '' || $this->within($folder, $trash) || $this->within($folder, $this->special('junk_mbox'));
    }

    /** Whether a folder is kept already, on its way out, or being written: "oldest" leaves these out. */
    public function aside(string $folder): bool
    {
        return $this->for_good($folder) || $this->within($folder, $this->special('archive_mbox'))
            || $this->within($folder, $this->special('drafts_mbox'));
    }

    public function archived(string $folder): bool
    {
        return $this->within($folder, $this->special('archive_mbox'));
    }

    /** A moment as its person's clock shows it. */
    public function here(int $time): DateTimeImmutable
    {
        return (new DateTimeImmutable("@$time"))->setTimezone(new DateTimeZone(rcube::get_instance()->config->get('timezone')));
    }

    /**
     * The first messages of several folders together.
     *
     * @param array    $folders those to look at, in this order
     * @param callable $uids    of a folder its own first messages
     * @param string   $field   by which they are told apart
     * @param callable $order   of two values
     * @param callable $beyond  whether a folder can add nothing to a full list, by the last value in the list
     */
    private function first(array $folders, callable $uids, string $field, callable $order, callable $beyond): array
    {
        $began = microtime(true);
        $found = [];
        foreach (array_keys($folders) as $name) {
            $name = (string) $name;
            $full = count($found) === self::SHOWN;
            if ($full && $beyond($name, end($found)['value'])) {
                continue;
            }
            if (microtime(true) - $began > self::PATIENCE) {
                $this->cut = true;
                break;
            }
            $values = ($those = $uids($name)) ? $this->imap->fetchHeaderIndex($name, $those, $field, false, true, true) : [];
            foreach ($values ?: [] as $uid => $value) {
                $found[] = ['folder' => $name, 'uid' => $uid, 'value' => (int) $value];
            }
            usort($found, fn ($one, $other) => $order($one['value'], $other['value']));
            $found = array_slice($found, 0, self::SHOWN);
        }
        $headers = [];
        foreach (array_unique(array_column($found, 'folder')) as $name) {
            $of = array_column(array_filter($found, fn ($each) => $each['folder'] === $name), 'uid');
            foreach ($this->imap->fetchHeaders($name, $of, true) ?: [] as $message) {
                $headers[$name][$message->uid] = $message;
            }
        }
        $shown = [];
        foreach ($found as $each) {
            // Gone meanwhile, perhaps.
            if ($message = $headers[$each['folder']][$each['uid']] ?? null) {
                $shown[] = ['folder' => $each['folder'], 'message' => $message];
            }
        }
        return $shown;
    }

    private function move(string $from, array $uids, string $to): int
    {
        if (!$uids || $from === $to) {
            return 0;
        }
        if (!$this->storage->folder_exists($to)) {
            $this->storage->create_folder($to, true);
        } elseif (!$this->storage->folder_exists($to, true)) {
            $this->storage->subscribe($to);
        }
        return $this->storage->move_message($uids, $to, $from) ? count($uids) : 0;
    }

    private function special(string $name): string
    {
        return (string) rcube::get_instance()->config->get($name);
    }

    private function within(string $folder, string $root): bool
    {
        return $root !== '' && ($folder === $root || str_starts_with($folder, $root . $this->storage->get_hierarchy_delimiter()));
    }
}
