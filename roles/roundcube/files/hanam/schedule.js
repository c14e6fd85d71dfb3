// "Gửi lúc…": a letter is given an hour at which it leaves. The hour stands above the form until the letter is laid down or the hour is
// dropped; what is asked of a letter that is sent is asked of this one too.
"use strict";

if (window.rcmail && rcmail.env.hanam_times) {
  const { first, last, choices } = rcmail.env.hanam_times;
  const label = (name, words = {}) => Object.entries(words).reduce(
    (text, [word, value]) => text.replace(`$${word}`, value), rcmail.get_label(`hanam.scheduled${name}`));
  const make = (name, kind, text, more = {}) => Object.assign(document.createElement(name), { className: kind, textContent: text }, more);
  const DAYS = ["Chủ nhật", "thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy"];
  const told = (hour) => {
    const [day, time] = hour.split("T");
    const [year, month, date] = day.split("-");
    return `${time} ${DAYS[new Date(year, month - 1, date).getDay()]}, ${date}/${month}/${year}`;
  };

  let field = null;
  const bar = make("div", "boxinformation", "", { id: "hanam-scheduled" });
  bar.setAttribute("role", "status");
  bar.hidden = true;
  const show = () => {
    bar.hidden = !field.value;
    if (field.value) {
      const change = make("button", "btn btn-link", label("change"), { type: "button" });
      const drop = make("button", "btn btn-link", label("drop"), { type: "button" });
      change.addEventListener("click", () => choose());
      drop.addEventListener("click", () => {
        field.value = "";
        show();
      });
      bar.replaceChildren(make("span", "", label("will", { at: told(field.value) })), " ", change, drop);
    }
  };

  const choose = () => {
    const box = make("div", "hanam-choose", "");
    const input = make("input", "form-control", "", {
      type: "datetime-local", id: "hanam-hour", min: first, max: last, value: field.value || (choices[0] || {}).at || first });
    const fault = make("p", "hint", "");
    fault.setAttribute("role", "alert");
    const list = make("div", "hanam-quick", "");
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", label("quick"));
    list.append(...choices.map(({ at, name }) => {
      const quick = make("button", "btn btn-secondary", name, { type: "button" });
      quick.addEventListener("click", () => {
        input.value = at;
        input.focus();
      });
      return quick;
    }));
    box.append(list, make("label", "", label("hour"), { htmlFor: "hanam-hour" }), input, fault);
    rcmail.show_popup_dialog(box, label("latertitle"), [
      { text: label("send"), class: "mainaction send", click() {
        // By the clock of the server when the page was opened; the server judges anew.
        if (!input.value || input.value < first || input.value > last) {
          fault.textContent = label("wrong");
          input.focus();
          return;
        }
        field.value = input.value.slice(0, 16);
        show();
        $(this).dialog("close");
        rcmail.command("send");
      } },
      { text: rcmail.get_label("cancel"), class: "cancel", click() {
        $(this).dialog("close");
      } },
    ]);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const send = document.querySelector("#compose-content .formbuttons button.send");
    const form = document.getElementById("composebody")?.form;
    if (!send || !form) {
      return;
    }
    field = make("input", "", "", { type: "hidden", name: "_hanam_due" });
    form.append(field);
    const later = make("button", "btn btn-secondary hanam-later", label("later"), { type: "button", tabIndex: send.tabIndex });
    later.addEventListener("click", choose);
    send.after(later, bar);
  });
}
