// What the province mends in Roundcube's pages.
"use strict";

if (window.rcmail) {
  // A new frame says that it is loaded before it holds anything. On a busy machine that comes after Roundcube has begun to wait
  // for the server's answer in it: the message is sent, the person reads of a connection error, and sends it once more. What is
  // still empty is no answer; a browser's own error page cannot be looked into, and stays one.
  rcmail.addEventListener("init", () => {
    const create = rcmail.dummy_iframe;
    rcmail.dummy_iframe = function (...words) {
      return create.apply(this, words).on("load", function (event) {
        if (this.contentDocument && this.contentDocument.URL === "about:blank") {
          event.stopImmediatePropagation();
        }
      });
    };
  });

  // When the server is away Roundcube shows what the protocol says of it.
  const fail = rcmail.http_error;
  rcmail.http_error = function (request, ...words) {
    const show = this.display_message;
    if (request.status >= 500) {
      this.display_message = (_, kind) => show.call(this, this.get_label("hanam.unavailable"), kind);
    }
    try {
      fail.call(this, request, ...words);
    } finally {
      this.display_message = show;
    }
  };
}
