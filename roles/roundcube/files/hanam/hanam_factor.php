<?php

require_once __DIR__ . '/hanam_accounts.php';

/**
 * The second step of a sign-in. The accounts database refuses the right password of whoever has a second factor, and says so; then
 * the login page asks for the code, and the database gives a word for this session alone in exchange for password and code. Roundcube
 * signs in by the word everywhere (IMAP, sending, filters) and never learns whether a code is right: without a word no session is.
 * docs/decisions/0074-second-factor.md
 */
class hanam_factor
{
    private const CIPHER = 'aes-256-cbc';
    private const FIELD = '_hanam_code';
    /** How long the page waits for the code, which has to be looked for. */
    private const WAITS = 600;

    /** What the first step left in the session: login, pass (encrypted), url, since, fault. */
    private ?array $first = null;

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $first = $_SESSION['hanam_factor'] ?? null;
        // Kept here: Roundcube empties the session before it hears of a login.
        if ($first && $first['since'] > time() - self::WAITS && !isset($_GET['hanam-lai'])) {
            $this->first = $first;
        } elseif ($first) {
            rcmail::get_instance()->session->remove('hanam_factor');
        }
        $this->plugin->add_hook('authenticate', [$this, 'authenticate']);
        $this->plugin->add_hook('loginform_content', [$this, 'loginform_content']);
        $this->plugin->add_hook('session_destroy', [$this, 'session_destroy']);
    }

    /** The code that was typed, turned into the word that signs in. */
    public function authenticate(array $login): array
    {
        $code = rcube_utils::get_input_string(self::FIELD, rcube_utils::INPUT_POST);
        if (!$this->first || !isset($_POST[self::FIELD]) || !$login['valid']) {
            return $login;
        }
        $answer = hanam_accounts::writing(
            'SELECT result, message, token FROM mail.webmail_second_step(?, ?)',
            $this->sealed([
                'key' => $this->keys()['secrets'],
                'login' => $this->first['login'],
                'password' => rcmail::get_instance()->decrypt($this->first['pass']),
                'code' => $code,
            ]),
            $_SERVER['REMOTE_ADDR'] ?? '',
        )[0] ?? null;
        if (!$answer) {
            http_response_code(503);  // nginx shows its page of that
            exit;
        }
        if ($answer['result'] === 'open') {
            return ['user' => $this->first['login'], 'pass' => $answer['token']] + $login;
        }
        if (in_array($answer['result'], ['code', 'code_wrong', 'throttled'])) {
            $this->show(['fault' => $answer['message']] + $this->first);
        }
        // The password or the mailbox is another by now: what that means is said at the first step.
        return ['user' => $this->first['login'], 'pass' => rcmail::get_instance()->decrypt($this->first['pass'])] + $login;
    }

    /** Whether the mail store refused just now since the second step is not done. */
    public function is_asked(): bool
    {
        return str_contains((string) rcmail::get_instance()->get_storage()->get_error_str(), '[second_factor:on]');
    }

    /** Whether the mail store refused just now what is one of his programs' passwords, or was. */
    public function is_programs(): bool
    {
        return str_contains((string) rcmail::get_instance()->get_storage()->get_error_str(), '[app_password:');
    }

    /** What was typed as a name at the first step of this sign-in; null where there was one step only. */
    public function login(): ?string
    {
        return isset($_POST[self::FIELD]) ? $this->first['login'] ?? null : null;
    }

    /** After a first step: goes to the page of the second where there is one. */
    public function ask(string $login): void
    {
        $password = rcube_utils::get_input_string('_pass', rcube_utils::INPUT_POST, true);
        if ($password === '' || !$this->is_asked()) {
            return;
        }
        $this->show([
            'login' => $login,
            'pass' => rcmail::get_instance()->encrypt($password),
            'url' => rcube_utils::get_input_string('_url', rcube_utils::INPUT_POST),
            'since' => time(),
            'fault' => '',
        ]);
    }

    /** In the place of name and password: the code. */
    public function loginform_content(array $form): array
    {
        if (!$this->first) {
            return $form;
        }
        $text = fn (string $name) => html::quote($this->plugin->gettext($name));
        $field = new html_inputfield([
            'name' => self::FIELD, 'id' => 'hanam-code', 'required' => 'required', 'autofocus' => 'autofocus', 'size' => 40, 'maxlength' => 40,
            'class' => 'form-control', 'autocomplete' => 'one-time-code', 'autocapitalize' => 'off', 'spellcheck' => 'false',
            'aria-describedby' => 'factor-hint login-fault',
        ]);
        $fault = html::quote($this->first['fault']);
        $form['inputs'] = ['code' => [
            'title' => html::label('hanam-code', $text('factorcode')),
            'content' => $field->show()
                . html::span(['class' => 'hint', 'id' => 'factor-hint'], $text('factorhint'))
                . '<div id="login-fault" role="alert"' . ($fault === '' ? ' hidden' : '') . ">$fault</div>",
        ]];
        $url = new html_hiddenfield(['name' => '_url', 'id' => 'rcmloginurl', 'value' => $this->first['url']]);
        $form['hidden']['url'] = $url->show();
        $button = html::tag('button', ['type' => 'submit', 'id' => 'rcmloginsubmit', 'class' => 'button mainaction submit'], $text('factorsend'));
        $form['buttons'] = [
            'submit' => ['outterclass' => 'formbuttons', 'content' => $button],
            'back' => ['outterclass' => 'factor-back', 'content' => html::a('./?_task=login&hanam-lai=1', $text('factorback'))],
        ];
        return $form;
    }

    /** Who signs out takes the word with him; where the database does not answer it ends by itself, hours later. */
    public function session_destroy(array $hook): array
    {
        if ($word = self::word()) {
            hanam_accounts::writing('SELECT mail.webmail_second_step_end(?)', $this->sealed(['login' => $_SESSION['username'], 'token' => $word]));
        }
        return $hook;
    }

    /**
     * How the accounts database knows the word of this session, as mail.second_key_hash makes it: '' where the password alone opened it, null
     * without a session. The word itself stays here: a question may come to stand in a log.
     */
    public function digest(): ?string
    {
        if (empty($_SESSION['password'])) {
            return null;
        }
        $word = self::word();
        $person = substr(strrchr('*' . $_SESSION['username'], '*'), 1);
        return $word === '' ? '' : hash('sha256', "$person:$word");
    }

    /** What this session signs in by instead of the password; '' where it has none. */
    private static function word(): string
    {
        $word = empty($_SESSION['password']) ? '' : (string) rcmail::get_instance()->decrypt($_SESSION['password']);
        return str_starts_with($word, 'webmail-') ? $word : '';
    }

    /** The login page once more, with what is known of this sign-in so far. */
    private function show(array $first): never
    {
        $_SESSION['hanam_factor'] = $first;
        header('Location: ./?_task=login', true, 303);
        exit;
    }

    /** As mail.factor_message unseals it: hexadecimal, the IV first. */
    private function sealed(array $said): string
    {
        $iv = random_bytes(openssl_cipher_iv_length(self::CIPHER));
        $text = json_encode($said, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
        return bin2hex($iv . openssl_encrypt($text, self::CIPHER, hex2bin($this->keys()['seal']), OPENSSL_RAW_DATA, $iv));
    }

    private function keys(): array
    {
        return rcmail::get_instance()->config->get('hanam_factor');
    }
}
