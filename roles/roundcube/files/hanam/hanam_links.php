<?php

/**
 * Where links of a message lead (links.js), that it takes no name of the page, that the server fetches nothing for it, and what an
 * attachment may do that is opened in the browser: nothing but be read.
 */
class hanam_links
{
    private const SHOWING = ['show', 'preview', 'print'];
    private const LABELS = ['linkto', 'linkother', 'linklike', 'linkodd', 'linkcredentials', 'linknumber', 'linkswarning', 'linkopen', 'passwordfield'];
    /** No script, no form, no plug-in; a link opens a window like any other. */
    private const SANDBOX = "default-src 'none'; script-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; media-src 'self'; font-src 'self' data:;"
        . " base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads";

    public function __construct(private rcube_plugin $plugin)
    {
    }

    public function init(): void
    {
        $rcmail = rcmail::get_instance();
        $this->plugin->add_hook('ready', [$this, 'ready']);
        if ($rcmail->task !== 'mail') {
            return;
        }
        if ($rcmail->action === 'get' && empty($_GET['_frame'])) {
            header_register_callback([$this, 'confine']);
        }
        $this->plugin->add_hook('message_part_after', [$this, 'message_part_after']);
        if ($rcmail->output->type === 'html' && in_array($rcmail->action, self::SHOWING, true)) {
            $this->plugin->include_script('links.js');
            $this->plugin->include_stylesheet('/styles/links.css');
            $rcmail->output->add_label(...array_map(fn ($label) => "hanam.$label", self::LABELS));
            $rcmail->output->set_env('hanam_domain', $rcmail->config->get('mail_domain'));
        }
    }

    /**
     * A message with stylesheets of other servers has Roundcube fetch them (utils.modcss) from wherever it stands: from within the province's
     * network. It fetches what it remembers of shown messages and nothing else; it remembers nothing, however the action is spelt.
     */
    public function ready(array $request): array
    {
        rcmail::get_instance()->session->remove('modcssurls');
        return $request;
    }

    /**
     * A picture named "getElementById" would take the page's own function's place: of what washing leaves, pictures alone can do that.
     * The browser reads "image" as "img".
     */
    public function message_part_after(array $part): array
    {
        if ($part['type'] === 'html') {
            $part['body'] = preg_replace('/(<(?:img|image)\b[^>]*?)\sname="[^"]*"/i', '$1', $part['body']) ?? '';
        }
        return $part;
    }

    /**
     * Called when the headers are about to leave. The browser's own viewer of PDF does not start in a sandbox; it runs nothing of the page.
     * A page with a button of Roundcube's (pictures of other servers, a wrong type) needs that button's script and no other.
     */
    public function confine(): void
    {
        $sent = strtolower(implode("\n", headers_list()));
        if (str_contains($sent, 'content-type: application/pdf')) {
            return;
        }
        $policy = self::SANDBOX;
        $output = rcmail::get_instance()->output;
        if ($output instanceof rcmail_html_page && !str_contains($sent, "script-src 'none'")) {
            $script = fn (array $change) => "'sha256-" . base64_encode(hash('sha256',
                "location.href = '" . rcmail::get_instance()->url(array_merge($_GET, $change)) . "'", true)) . "'";
            $known = implode(' ', array_map($script, [['_safe' => 1], ['_nocheck' => 1], ['_download' => 1]]));
            $policy = str_replace(["script-src 'none'", 'allow-downloads'], ["script-src 'unsafe-hashes' $known", 'allow-downloads allow-scripts'], $policy);
        }
        header("Content-Security-Policy: $policy");
    }
}
