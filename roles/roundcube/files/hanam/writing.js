// What helps a person who writes a message: the registry's signature, how much may be attached, whose the addresses are.
"use strict";

if (window.rcmail) {
  const label = (name, words = {}) => Object.entries(words).reduce(
    (text, [word, value]) => text.replace(`$${word}`, value), rcmail.get_label(`hanam.${name}`));
  const make = (name, kind, text) => {
    const made = document.createElement(name);
    made.className = kind;
    made.textContent = text;
    return made;
  };

  // --- Signature: before Roundcube puts one under the text ---
  rcmail.env.signatures = { ...rcmail.env.hanam_signatures, ...rcmail.env.signatures };

  // --- Attachments: all of a message together, as they are, not as mail carries them (a third more, which the limits behind allow for) ---
  const limit = rcmail.env.hanam_attachment_limit;
  const sizes = { ...rcmail.env.hanam_attached };
  const sent = [];  // [name, size] of files on their way to the server
  const size = (bytes) => (bytes / 1048576).toFixed(1).replace(".", ",");
  const attached = () => Object.keys(rcmail.env.attachments || {}).reduce((sum, id) => sum + (sizes[id] || 0), 0);
  const tooMuch = (more) => {
    const much = attached() + more;
    if (much <= limit) {
      return false;
    }
    // Rounded up, or a little too much would be said to be the limit.
    const shown = size(Math.max(Math.ceil(much / 104857.6) * 104857.6, limit + 104858));
    rcmail.alert_dialog(label("attachedtoomuch", { size: shown }));
    return true;
  };
  const meter = make("p", "hint", "");
  meter.id = "hanam-attached";
  meter.setAttribute("role", "status");
  const measure = () => {
    meter.textContent = label("attached", { size: size(attached()) });
    meter.hidden = !attached();
  };

  const upload = rcmail.file_upload;
  rcmail.file_upload = function (files, ...words) {
    const ours = [...files || []];
    const more = ours.reduce((sum, file) => sum + file.size, 0);
    if (!words[0] || rcmail.env.action !== "compose" || !ours.length) {
      return upload.call(this, files, ...words);
    }
    if (tooMuch(more)) {
      return false;
    }
    const before = new Set(Object.keys(this.env.attachments));
    ours.forEach((file) => sent.push([file.name, file.size]));
    const answer = upload.call(this, files, ...words);
    const entry = Object.keys(this.env.attachments).find((id) => !before.has(id));
    if (entry) {
      sizes[entry] = more;
    }
    measure();
    return answer;
  };
  rcmail.addEventListener("fileuploaded", ({ name, attachment }) => {
    const at = sent.findIndex(([file]) => file.normalize() === String(attachment.name).normalize());
    if (at >= 0) {
      sizes[name] = sent.splice(at, 1)[0][1];
    }
  });
  rcmail.addEventListener("fileappended", () => setTimeout(measure));
  const drop = rcmail.remove_from_attachment_list;
  rcmail.remove_from_attachment_list = function (name) {
    drop.call(this, name);
    measure();
  };

  // --- A forgotten attachment: Roundcube's plugin asks, of what the person himself wrote ---
  rcmail.addEventListener("init", () => {
    const written = window.rcmail_get_compose_message;
    const check = window.rcmail_check_message;
    if (written && check) {
      // Below such a line stands what somebody else wrote; Roundcube's plugin knows quotes alone.
      // People write below the signature too, which the plugin leaves out.
      window.rcmail_get_compose_message = () => {
        const { editor } = rcmail;
        const get = editor.get_content;
        editor.get_content = (options) => get.call(editor, { ...options, nosig: false });
        try {
          return written().split(/^-{4,} .+ -{4,}$/mu)[0];
        } finally {
          editor.get_content = get;
        }
      };
      // Letters and marks may be apart; an answer has the subject of what it answers.
      window.rcmail_check_message = (text) => !/^\s*(re|fw|fwd|tl|tr)\s*:/iu.test(text || "") && check((text || "").normalize("NFC"));
    }
  });

  // --- Recipients ---
  const FIELDS = ["to", "cc", "bcc"];
  const WRONG = { wrong: 0, doubt: 1, outside: 2, state: 3, own: 4 };
  const known = new Map();
  // Which recipients were found right, or sent to all the same, and when: Roundcube's own questions come after that one.
  let approved = { list: "", until: 0 };
  let asking = false;
  const approve = (list) => {
    approved = { list: list.join(" "), until: Date.now() + 60000 };
  };

  const field = (name) => document.querySelector(`textarea[name=_${name}]`);
  // Names in quotes may hold anything.
  const addresses = (name) => [...new Set(
    ((field(name) && field(name).value) || "").replace(/"[^"]*"/gu, " ").toLowerCase().match(/[^\s<>,;"()]+@[^\s<>,;"()]+/gu) || [])];
  const all = () => [...new Set(FIELDS.flatMap(addresses))];

  const replace = (old, by) => {
    for (const name of FIELDS) {
      const place = field(name);
      if (addresses(name).includes(old)) {
        const at = place.value.toLowerCase().indexOf(old);
        place.value = place.value.slice(0, at) + by + place.value.slice(at + old.length);
        $(place).change();
      }
    }
    soon();
  };
  const offers = (address) => known.get(address).nearest.map((near) => {
    const use = make("button", "btn btn-link use", label("useaddress", { address: near }));
    use.type = "button";
    use.addEventListener("click", () => {
      replace(address, near);
      $(use.closest(".ui-dialog-content")).dialog?.("close");
    });
    return use;
  });
  const line = (address) => {
    const row = make("li", known.get(address).kind, "");
    row.append(make("span", "address", `${address}:`), " ", make("span", "told", known.get(address).told), ...offers(address));
    return row;
  };

  const show = () => {
    for (const name of FIELDS) {
      const row = document.getElementById(`compose_${name}`);
      let list = row && row.querySelector(".hanam-who");
      const here = addresses(name).filter((address) => known.has(address));
      if (!row || (!list && !here.length)) {
        continue;
      }
      if (!list) {
        list = make("ul", "hanam-who", "");
        list.setAttribute("aria-label", label("recipientlist"));
        row.querySelector(".input-group").after(list);
      }
      here.sort((one, other) => WRONG[known.get(one).kind] - WRONG[known.get(other).kind]);
      list.replaceChildren(...here.map(line));
      list.hidden = !here.length;
      // Long lists scroll, by the keyboard too.
      list.tabIndex = here.length > 3 ? 0 : -1;
    }
  };

  // In portions that the server answers at once; what it does not answer is unknown, and keeps nobody from writing.
  const ask = (list) => Promise.allSettled(Array.from({ length: Math.ceil(list.length / 100) }, (_, part) =>
    rcmail.http_post("plugin.hanam-recipients", { _addresses: list.slice(part * 100, part * 100 + 100).join(" ") })));
  rcmail.addEventListener("plugin.hanam-recipients", (answer) => {
    Object.entries(answer).forEach(([address, row]) => row.kind && known.set(address, row));
    show();
  });

  let timer = null;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const fresh = all().filter((address) => !known.has(address));
      show();
      if (fresh.length) {
        ask(fresh);
      }
    }, 250);
  };

  // While a draft saves itself or the page asks for what is new, Roundcube takes no command, and says nothing of it.
  const send = (props) => {
    const until = Date.now() + 20000;
    asking = true;
    const when = setInterval(() => {
      const late = Date.now() > until;
      if (rcmail.busy && !late) {
        return;
      }
      clearInterval(when);
      asking = false;
      if (late) {
        rcmail.alert_dialog(label("notsentyet"));
      } else {
        rcmail.command("send", props);
      }
    }, 100);
  };

  // So is a press of "Gửi" at that moment: it waits, once. While a message is on its way, and after it was sent, it is a second press
  // for the same message.
  let leaves = false;
  let gone = false;
  const left = rcmail.sent_successfully;
  rcmail.sent_successfully = function (...words) {
    gone = true;
    return left.apply(this, words);
  };
  const turn = rcmail.set_busy;
  rcmail.set_busy = function (yes, message, ...words) {
    leaves = yes && (leaves || message === "sendingmessage");
    return turn.call(this, yes, message, ...words);
  };
  const command = rcmail.command;
  rcmail.command = function (name, props, ...words) {
    const form = this.gui_objects && this.gui_objects.messageform;
    if (name !== "send" || !this.busy || !form || leaves || gone || this.hanam_sends) {
      return command.call(this, name, props, ...words);
    }
    if (!asking) {
      send(props);
    }
    return false;
  };

  const complain = (faults, props) => {
    const wrong = faults.some((address) => known.get(address).kind === "wrong");
    const text = make("ul", "hanam-who", "");
    text.append(...faults.map(line));
    const buttons = [{ text: label("mendaddress"), class: "mainaction edit", click() {
      $(this).dialog("close");
      field("to").focus();
    } }];
    // The server would refuse the whole message.
    if (!wrong) {
      buttons.push({ text: label("sendanyway"), class: "send", click() {
        $(this).dialog("close");
        approve(all());
        send(props);
      } });
    }
    rcmail.show_popup_dialog(text, label(wrong ? "wrongaddresses" : "doubtfuladdresses"), buttons);
  };

  rcmail.addEventListener("beforesend", (given) => {
    const list = all();
    if (asking || tooMuch(0)) {
      return false;
    }
    if (!list.length || (approved.list === list.join(" ") && Date.now() < approved.until)) {
      return undefined;
    }
    // Anew: somebody may have been locked, or got his mailbox, since it was typed.
    asking = true;
    const props = given && given.nocheck ? { nocheck: true } : "";
    ask(list).then(() => {
      asking = false;
      const faults = list.filter((address) => known.has(address) && WRONG[known.get(address).kind] < 2);
      if (faults.length) {
        complain(faults, props);
      } else {
        approve(list);
        send(props);
      }
    });
    return false;
  });

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("attachment-list")?.after(meter);
    measure();
    for (const name of FIELDS) {
      const row = document.querySelector(`#compose_${name} .input-group`);
      if (row) {
        new MutationObserver(soon).observe(row, { childList: true, subtree: true });
      }
    }
    soon();
  });
}
