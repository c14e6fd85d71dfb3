<?php
// Reads the connection from Roundcube's configuration; prints only what it changed.
define('INSTALL_PATH', '/var/lib/roundcube/');
require_once INSTALL_PATH . 'program/include/clisetup.php';

$db = rcmail_utils::db();
if (!in_array($db->table_name('system'), (array) $db->list_tables())) {
    // All tables or none: a half-made set would pass for an old version the next time.
    $db->startTransaction();
    rcmail_utils::db_init(INSTALL_PATH . 'SQL');
    $db->endTransaction();
} elseif (!rcmail_utils::db_update(INSTALL_PATH . 'SQL', 'roundcube', null, ['errors' => true])) {
    exit(1);
}
