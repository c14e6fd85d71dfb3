// What the province mends in Roundcube's pages.
"use strict";

if (window.rcmail) {
  // While the webmail is closed on purpose every answer is nginx's page of that. The next click leads to the page; a letter that is
  // being written and an open dialog stay where they are, and it is told. What a page asks by itself takes nobody away from what is read.
  const BY_ITSELF = ["refresh", "keep-alive", "plugin.hanam-counts", "plugin.hanam-recipients"];
  const isClosed = (frame) => {
    try {
      return frame.contentDocument.documentElement.hasAttribute("data-closed");
    } catch {
      return false;
    }
  };
  const lead = (byItself) => {
    const top = rcmail.is_framed() ? parent : window;
    const writes = top.rcmail.env.action === "compose";
    if (writes || byItself || top.document.querySelector(".ui-dialog")) {
      top.rcmail.display_message(top.rcmail.get_label(writes ? "hanam.closedwriting" : "hanam.closed"), "warning", 60000);
    } else {
      top.location.assign("./");
    }
  };
  // A frame's loading does not rise to the document, but passes it on its way down.
  document.addEventListener("load", (event) => event.target.tagName === "IFRAME" && isClosed(event.target) && lead(false), true);

  // A new frame says that it is loaded before it holds anything. On a busy machine that comes after Roundcube has begun to wait
  // for the server's answer in it: the message is sent, the person reads of a connection error, and sends it once more. What is
  // still empty is no answer; a browser's own error page cannot be looked into, and stays one.
  rcmail.addEventListener("init", () => {
    const create = rcmail.dummy_iframe;
    rcmail.dummy_iframe = function (...words) {
      return create.apply(this, words).on("load", function (event) {
        if (this.contentDocument && this.contentDocument.URL === "about:blank") {
          event.stopImmediatePropagation();
        } else if (isClosed(this)) {
          // No fault of the connection.
          const show = rcmail.display_message;
          rcmail.display_message = (message, ...more) => message !== "connerror" && show.call(rcmail, message, ...more);
          setTimeout(() => {
            rcmail.display_message = show;
          });
        }
      });
    };
  });

  // Browsers tell a frame that the device turned dark when its page did, by the switch in the menu. Elastic takes the device's word in
  // place of the person's, and forgets the person's; the window is asked alone.
  const store = rcmail.set_cookie;
  rcmail.set_cookie = function (name, value, ...words) {
    return name === "colorMode" && !value && this.is_framed() ? undefined : store.call(this, name, value, ...words);
  };

  // A search looks through all folders unless the person says otherwise: mail lies where rules and habits have put it. Roundcube
  // has no setting for that, and goes back to one folder with each that is opened.
  const everywhere = (name) => {
    const act = rcmail[name];
    rcmail[name] = function (...words) {
      const before = this.env.mailbox;
      const answer = act.apply(this, words);
      if (this.env.search_scope === "base" && (name === "reset_qsearch" ? words[0] : this.env.mailbox !== before)) {
        this.env.search_scope = "all";
      }
      return answer;
    };
  };
  rcmail.addEventListener("init", () => {
    if (rcmail.env.task === "mail") {
      everywhere("list_mailbox");
      everywhere("reset_qsearch");
      rcmail.env.search_scope ||= "all";
    }
  });

  // Roundcube drops what is asked for while something is loading. Words for a search wait until that is there.
  let waits = false;
  const search = () => {
    waits = rcmail.busy;
    if (waits) {
      setTimeout(search, 100);
    } else {
      rcmail.command("search");
    }
  };
  document.addEventListener("submit", ({ target }) => target.name === "rcmqsearchform" && rcmail.busy && !waits && search(), true);

  // The archive's name, in the window's title and in rows of a search: Roundcube translates other folders only.
  const ours = (text) => {
    // People choose that folder themselves: its name may have any sign.
    const archive = (rcmail.env.archive_folder || "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return archive && text ? text.replace(new RegExp(`(^|:: )${archive}(?=$| »)`), `$1${rcmail.get_label("hanam.archive")}`) : text;
  };
  const title = rcmail.set_pagetitle;
  rcmail.set_pagetitle = function (text) {
    title.call(this, ours(text));
  };
  const row = rcmail.add_message_row;
  rcmail.add_message_row = function (uid, columns, ...words) {
    return row.call(this, uid, { ...columns, folder: ours(columns.folder) }, ...words);
  };

  // A refusal of the sign-in stands beside the field that it is about.
  if (rcmail.env.task === "login") {
    const tell = rcmail.display_message;
    rcmail.display_message = function (message, kind, ...words) {
      if (!["error", "warning"].includes(kind)) {
        return tell.call(this, message, kind, ...words);
      }
      const place = document.getElementById("login-fault");
      place.innerHTML = message;
      place.hidden = false;
      // An error is one of the session that was, not of what was typed.
      if (kind === "warning") {
        const field = document.getElementById("rcmloginpwd");
        field.setAttribute("aria-invalid", "true");
        field.focus();
      }
      return false;
    };
  }

  // When the server is away Roundcube shows what the protocol says of it.
  const fail = rcmail.http_error;
  rcmail.http_error = function (request, status, error, lock, action) {
    const show = this.display_message;
    const closed = request.status === 503 && request.getResponseHeader("Webmail-Closed");
    if (request.status >= 500) {
      this.display_message = (_, kind) => !closed && show.call(this, this.get_label("hanam.unavailable"), kind);
    }
    try {
      fail.call(this, request, status, error, lock, action);
    } finally {
      this.display_message = show;
    }
    if (closed) {
      lead(BY_ITSELF.includes(action));
    }
  };
}
