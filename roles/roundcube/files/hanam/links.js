// Links of a message that are not what they seem: their text names one place and they lead to another, or their name is one to be mistaken
// for ours. Judged here, since what counts is where the browser would go. A sender may hide or cover what stands in his text: so it is told
// above the message too, and asked when somebody follows the link.
"use strict";

if (window.rcmail) {
  // Last parts of names that are taken for an address when neither "https://" nor "www." nor "@" stands before them: "Phụ lục.docx" is none.
  const ENDS = new Set(("vn com net org gov edu info biz asia mil int eu uk us cn ru jp kr sg io co tv app dev xyz top site online shop club"
    + " vip live link click example").split(" "));
  const ADDRESS = /(https?:\/\/|ftp:\/\/|www\.|@)?((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:\p{L}{2,24}|xn--[a-z0-9-]+))(?![\p{L}\p{N}])/giu;
  const INVISIBLE = /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]/g;
  const IMPORTANT = {
    all: "initial", display: "inline", padding: "0 .3em", margin: "0 .2em", border: "1px solid", background: "Canvas", color: "CanvasText",
    font: "500 13px/1.4 Look, sans-serif",
  };

  const host = (text) => {
    try {
      return new URL(`https://${text}`).hostname.replace(/^www\./, "");
    } catch {
      return "";
    }
  };
  const named = (text) => [...text.replace(INVISIBLE, "").normalize("NFKC").matchAll(ADDRESS)]
    .filter(([, before, name]) => before || ENDS.has(name.split(".").pop().toLowerCase()))
    .map(([, , name]) => host(name)).filter(Boolean);
  const same = (one, other) => one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`);
  // What an eye takes for the same: "hanam-g0v.vn".
  const blurred = (name) => name.replace(/rn/g, "m").replace(/0/g, "o").replace(/1/g, "l").replace(/[^a-z0-9]/g, "");

  // Where a link leads, and the label of what is wrong with it.
  const judged = (link) => {
    let url;
    try {
      url = new URL(link.href);
    } catch {
      return null;
    }
    const mail = url.protocol === "mailto:";
    if (!mail && !["http:", "https:", "ftp:"].includes(url.protocol)) {
      return null;
    }
    const target = mail ? host(decodeURIComponent(url.pathname).split(",")[0].split("@").pop()) : url.hostname.replace(/^www\./, "");
    const own = rcmail.env.hanam_domain;
    const state = own.split(".").slice(-2).join(".");
    const other = named(link.textContent).find((name) => !same(name, target));
    const label = other ? "linkother"
      : url.username ? "linkcredentials"
      : target.includes("xn--") ? "linkodd"
      : /^[\d.]+$|^\[/.test(target) ? "linknumber"
      : !same(target, state) && blurred(target).includes(blurred(own.split(".").slice(0, 2).join("."))) ? "linklike"
      : "";
    return target && label ? { target, label, other } : null;
  };
  const told = ({ target, label, other }) => [
    rcmail.get_label("hanam.linkto").replace("$host", target),
    rcmail.get_label(`hanam.${label}`).replace("$named", other || "").replace("$domain", rcmail.env.hanam_domain),
  ].join("");

  const warn = (text, place) => {
    const box = document.createElement("div");
    box.className = "notice warning hanam-links alert alert-warning";
    box.setAttribute("role", "alert");
    box.textContent = text;
    place.append(box);
  };
  const ask = (link, fault) => (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    rcmail.confirm_dialog($("<p>").text(told(fault)), "hanam.linkopen", () => {
      window.open(link.href, "_blank", "noopener,noreferrer");
      return true;
    });
  };

  rcmail.addEventListener("init", () => {
    const place = document.getElementById("message-objects");
    const body = document.getElementById("messagebody");
    if (!body || !place) {
      return;
    }
    const faults = new Set();
    for (const link of body.querySelectorAll("a[href], area[href]")) {
      const fault = judged(link);
      if (!fault) {
        continue;
      }
      faults.add(fault.target);
      link.addEventListener("click", ask(link, fault), true);
      const mark = document.createElement("hanam-link");
      mark.textContent = told(fault);
      // Styles of the message cannot undo these.
      for (const [property, value] of Object.entries(IMPORTANT)) {
        mark.style.setProperty(property, value, "important");
      }
      link.after(mark);
    }
    if (faults.size) {
      warn(rcmail.get_label("hanam.linkswarning").replace("$hosts", [...faults].join(", ")), place);
    }
    const fields = body.querySelectorAll("input[type=password]");
    fields.forEach((field) => Object.assign(field, { type: "text", value: "", disabled: true }));
    if (fields.length) {
      warn(rcmail.get_label("hanam.passwordfield"), place);
    }
  });
}
