<?php

/**
 * Sessions in Roundcube's own table, where of requests at once each keeps what it stored (docs/decisions/0069-open-sessions.md).
 *
 * Roundcube's own class writes the whole session as one request knows it. Of two that ran at once the last one took with it what the other
 * had stored, a letter that somebody had just begun; and one that ran for long brought back a session that had ended. Here a request
 * changes only what it changed itself, in what is stored by then, while the row is held.
 *
 * The name is Roundcube's: it makes an object of the class that the option session_storage names (hanam.php).
 */
class rcube_session_hanam extends rcube_session_db
{
    /** PHP stores a session: at the end of a request, and of the old name when a session gets a new one. */
    public function sess_write($key, $vars)
    {
        // A session without a row yet is Roundcube's to store, and so is one that has to be stored no more.
        if ($this->nowrite || !$this->vars || $key !== $this->key) {
            return parent::sess_write($key, $vars);
        }
        // The old name of a session that somebody signs in to by OpenID Connect: what was there stays what it was.
        if ($this->ignore_write) {
            return true;
        }
        if ($vars === $this->vars) {
            return $this->update($key, $vars, $vars);
        }
        $database = rcube::get_instance()->get_dbh();
        // By statements: PDO would throw where one is open already. What fails Roundcube logs.
        if (!$database->query('BEGIN')) {
            return true;
        }
        try {
            $table = $database->table_name('session', true);
            $found = $database->query("SELECT `vars` FROM $table WHERE `sess_id` = ? FOR UPDATE", $key);
            // No row: it ended meanwhile, and stays so.
            if ($found && ($row = $database->fetch_assoc($found))) {
                $stored = (string) base64_decode($row['vars']);
                $this->update($key, $stored === $this->vars ? $vars : $this->joined($stored, $vars), $stored);
            }
            $database->query('COMMIT');
        } catch (Throwable $fault) {
            $database->query('ROLLBACK');
            rcube::raise_error($fault, true);
        }
        return true;
    }

    /**
     * Roundcube reads the session once more before it adds to a letter, and would take what is stored by then for what this request began
     * with: a session that ended meanwhile would be stored again. What others stored is joined at the end.
     */
    public function reload()
    {
    }

    /** What is stored by now, with what this request changed since it read the session. */
    private function joined(string $stored, string $vars): string
    {
        [$read, $mine, $theirs] = array_map([self::class, 'unserialize'], [$this->vars, $vars, $stored]);
        if (!is_array($theirs)) {
            return $vars;
        }
        // Its person signed out meanwhile.
        if (!is_array($read) || !is_array($mine) || ($read['user_id'] ?? null) !== ($theirs['user_id'] ?? null)) {
            return $stored;
        }
        return $this->serialize(self::changed($read, $mine, $theirs));
    }

    private static function changed(array $read, array $mine, array $theirs): array
    {
        foreach (array_keys($read + $mine) as $name) {
            if (!array_key_exists($name, $mine)) {
                unset($theirs[$name]);
            } elseif (array_key_exists($name, $read) && serialize($read[$name]) === serialize($mine[$name])) {
                continue;
            } elseif (self::has_names($mine[$name]) && self::has_names($theirs[$name] ?? null)) {
                // Such as a letter, to which each upload adds its file.
                $theirs[$name] = self::changed((array) ($read[$name] ?? []), $mine[$name], $theirs[$name]);
            } else {
                $theirs[$name] = $mine[$name];
            }
        }
        return $theirs;
    }

    /** What is numbered through is one value: half of one list and half of another would be neither. */
    private static function has_names(mixed $value): bool
    {
        return is_array($value) && ($value === [] || !array_is_list($value));
    }
}
