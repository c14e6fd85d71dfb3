// The dialog of the button "Báo cáo" (hanam_report.php).
"use strict";

if (window.rcmail) {
  const KINDS = ["spam", "virus", "unlawful", "fault"];
  const LONGEST = 2000;
  const label = (name) => rcmail.get_label(`hanam.${name}`);
  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  };
  // The same form sent twice is one report.
  const token = () => [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");

  const form = (chosen) => {
    const kinds = make("select", { id: "report-kind", class: "custom-select form-control", "aria-describedby": "report-then" });
    KINDS.forEach((kind) => {
      const option = make("option", { value: kind }, label(`report${kind}`));
      option.disabled = !chosen && kind !== "fault";
      kinds.append(option);
    });
    kinds.value = chosen ? "spam" : "fault";
    const then = make("p", { id: "report-then", class: "hint", "aria-live": "polite" });
    const words = make("textarea", {
      id: "report-words", class: "form-control", rows: 5, maxlength: LONGEST, "aria-describedby": "report-words-hint",
    });
    const hint = make("p", { id: "report-words-hint", class: "hint" }, label("reportwordshint"));
    const tell = () => {
      then.textContent = label(`report${kinds.value}then`);
      words.required = !chosen;
    };
    kinds.addEventListener("change", tell);
    tell();
    const all = make("form", { class: "formcontent hanam-report-form" },
      make("p", { class: "report-about" }, label(chosen ? "reportmessage" : "reportnomessage")),
      make("label", { for: "report-kind" }, label("reportkind")), kinds, then,
      make("label", { for: "report-words" }, label("reportwords")), words, hint);
    all.addEventListener("submit", (event) => event.preventDefault());
    return { all, kinds, words, hint };
  };

  const open = () => {
    const uid = rcmail.get_single_uid();
    const parts = form(uid);
    const sent = { ...(uid ? rcmail.params_from_uid(uid) : {}), _token: token() };
    rcmail.simple_dialog(parts.all, "hanam.report", () => {
      const said = parts.words.value.trim();
      if (!uid && !said) {
        parts.hint.textContent = label("reportneedswords");
        parts.hint.setAttribute("role", "alert");
        parts.words.setAttribute("aria-invalid", "true");
        parts.words.focus();
        return false;
      }
      const lock = rcmail.set_busy(true, "loading");
      rcmail.http_post("plugin.hanam.report", { ...sent, _kind: parts.kinds.value, _words: said }, lock);
      return true;
    }, { button: "hanam.reportsend", button_class: "send", width: 520, height: 430 });
    parts.kinds.focus();
  };

  rcmail.addEventListener("init", () => rcmail.register_command("plugin.hanam.report", open, true));

  // It lies in Junk now: whoever reads it is led back to the list.
  rcmail.addEventListener("plugin.hanam_reported", ({ moved, folder }) => {
    if (!moved) {
      return;
    }
    if (rcmail.message_list) {
      rcmail.list_mailbox(rcmail.env.mailbox, rcmail.env.current_page);
    } else {
      rcmail.command("list", folder);
    }
  });
}
