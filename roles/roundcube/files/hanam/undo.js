// A message waits some seconds before it is sent, and can be taken back meanwhile. It lies in the drafts before the waiting begins: whatever
// happens to the page, the browser or the computer, it is lost by nothing and sent by nobody but the person.
"use strict";

if (window.rcmail && rcmail.env.hanam_undo_seconds > 0) {
  const label = (name, words = {}) => Object.entries(words).reduce(
    (text, [word, value]) => text.replace(`$${word}`, value), rcmail.get_label(`hanam.${name}`));
  const submit = rcmail.submit_messageform;
  // "", then "saving" the draft, then "waiting".
  let state = "";
  const turn = (to) => {
    state = to;
    // For writing.js.
    rcmail.hanam_sends = to !== "";
  };
  let clock = null;
  let bar = null;

  const button = (name, kind, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = `btn ${kind}`;
    made.textContent = label(name);
    made.addEventListener("click", act);
    return made;
  };

  // What was saved is what is sent: nothing can be written or left meanwhile.
  const shut = (yes) => {
    for (const part of document.querySelectorAll("#layout, #hanam-notices, .hanam-skip")) {
      part.inert = yes;
    }
  };

  const end = () => {
    clearInterval(clock);
    bar?.remove();
    bar = null;
    turn("");
    shut(false);
  };

  const send = () => {
    end();
    submit.call(rcmail);
  };

  const undo = () => {
    end();
    clearTimeout(rcmail.save_timer);
    rcmail.auto_save_start();
    rcmail.display_message(label("sendundone"), "confirmation");
    document.querySelector("#compose-content button.send")?.focus();
  };

  const wait = () => {
    turn("waiting");
    let left = rcmail.env.hanam_undo_seconds;
    bar = document.createElement("div");
    bar.id = "hanam-undo";
    bar.setAttribute("role", "alertdialog");
    bar.setAttribute("aria-modal", "true");
    bar.setAttribute("aria-labelledby", "hanam-undo-text");
    bar.setAttribute("aria-describedby", "hanam-undo-more");
    const text = document.createElement("p");
    text.id = "hanam-undo-text";
    const more = document.createElement("p");
    more.id = "hanam-undo-more";
    more.textContent = label("heldasdraft");
    const back = button("undosend", "btn-primary undo", undo);
    const tell = () => {
      text.textContent = label("willsend", { seconds: left });
    };
    tell();
    bar.append(text, more, back, button("sendnow", "btn-secondary now", send));
    bar.addEventListener("keydown", (event) => event.key === "Escape" && undo());
    document.body.append(bar);
    shut(true);
    back.focus();
    clock = setInterval(() => {
      left -= 1;
      if (left > 0) {
        tell();
      } else {
        send();
      }
    }, 1000);
  };

  rcmail.submit_messageform = function (draft, saveonly) {
    if (draft && state === "saving") {
      // Nobody answered the sending; who saves a draft now sends nothing by that.
      turn("");
    }
    // One that leaves at its hour can be called off until then.
    const hour = document.querySelector("input[name=_hanam_due]");
    if (draft || saveonly || (hour && hour.value) || this.env.is_sent || this.mailvelope_editor || !this.env.drafts_mailbox) {
      return submit.call(this, draft, saveonly);
    }
    if (state === "waiting" || (state === "saving" && this.busy)) {
      return undefined;
    }
    this.clear_messages();
    turn("saving");
    return submit.call(this, true);
  };

  // The server's answer to a draft: its number when it was saved, in both cases that the next one may be.
  const saved = rcmail.set_draft_id;
  rcmail.set_draft_id = function (id) {
    saved.call(this, id);
    if (state === "saving") {
      wait();
    }
  };
  const restart = rcmail.auto_save_start;
  rcmail.auto_save_start = function (...words) {
    restart.apply(this, words);
    if (state === "saving" && words[0] !== false) {
      // A full mailbox, say. It must not keep anybody from sending.
      turn("");
      rcmail.show_popup_dialog(label("nodraft"), label("nodrafttitle"), [
        { text: label("sendnow"), class: "mainaction send", click() {
          $(this).dialog("close");
          submit.call(rcmail);
        } },
        { text: label("notnow"), class: "cancel", click() {
          $(this).dialog("close");
        } },
      ]);
    }
  };

  // That a draft was saved is what the bar says.
  const show = rcmail.display_message;
  rcmail.display_message = function (message, kind, ...words) {
    return state && kind === "confirmation" ? false : show.call(this, message, kind, ...words);
  };

  window.addEventListener("beforeunload", (event) => {
    if (state === "waiting") {
      event.preventDefault();
      event.returnValue = label("leavesunsent");
    }
  });
}
