// What the province mends in Roundcube's pages.
"use strict";

// A new frame says that it is loaded before it holds anything. On a busy machine that comes after Roundcube has begun to wait for
// the server's answer in it: the message is sent, the person reads of a connection error, and sends it once more. What is still
// empty is no answer; a browser's own error page cannot be looked into, and stays one.
if (window.rcmail) {
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
}
