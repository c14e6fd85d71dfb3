<?php

/**
 * The accounts database, as every part of this plugin asks it (docs/decisions/0069-open-sessions.md).
 *
 * The process keeps its connection: a new one costs twenty times what a question does. That the server was started again it learns by
 * asking, and then has another; only what fails twice is a fault, and logged. What is kept has to stay clean: nothing is set for the
 * session, and a statement that writes is in one transaction, which ends here.
 */
class hanam_accounts
{
    private static ?rcube_db $database = null;

    /**
     * Rows of a question; null when the database does not answer.
     *
     * @return ?array<array<string, mixed>>
     */
    public static function rows(string $question, mixed ...$values): ?array
    {
        foreach ([true, false] as $first) {
            $rows = self::fetched(self::database($first), $question, $values);
            if ($rows !== null) {
                return $rows;
            }
            self::$database = null;
        }
        return null;
    }

    /**
     * Rows of a statement that writes. Null when the database does not answer, or does not keep what was written. It is begun once more
     * where the kept connection was dead, and never done twice.
     *
     * @return ?array<array<string, mixed>>
     */
    public static function writing(string $statement, mixed ...$values): ?array
    {
        // Roundcube would log the whole statement, and with it what the person wrote.
        $database = self::database(true);
        // The webmail's role reads only unless it says otherwise.
        if (!$database->query('BEGIN READ WRITE')) {
            self::$database = null;
            $database = self::database(true);
            $database->query('BEGIN READ WRITE');
        }
        $rows = $database->is_error() ? null : self::fetched($database, $statement, $values);
        if ($rows !== null && $database->query('COMMIT')) {
            return $rows;
        }
        // That there is no connection Roundcube has logged.
        if ($database->is_connected()) {
            rcube::write_log('errors', 'hanam: not written: ' . strtok((string) $database->is_error(), "\n"));
            $database->query('ROLLBACK');
        }
        self::$database = null;
        return null;
    }

    /** One for a request, until it fails: Roundcube's keeps its fault, and greets the server anew each time. */
    private static function database(bool $silent): rcube_db
    {
        self::$database ??= rcube_db::factory(rcube::get_instance()->config->get('virtuser_query_dsn'), '', true);
        self::$database->set_option('ignore_errors', $silent);
        return self::$database;
    }

    private static function fetched(rcube_db $database, string $statement, array $values): ?array
    {
        $answer = $database->query($statement, ...$values);
        if (!$answer) {
            return null;
        }
        $rows = [];
        while ($row = $database->fetch_assoc($answer)) {
            $rows[] = $row;
        }
        return $rows;
    }
}
