// Links of a message that are not what they seem: their text names one place and they lead to another, or their name is one to be mistaken
// for ours. Judged here, since what counts is where the browser would go. A sender may hide or cover what stands in his text: so it is told
// above the message too, and asked when somebody follows the link.
"use strict";

if (window.rcmail) {
  // Last parts of names that are taken for an address when neither "https://" nor "www." nor "@" stands before them: "Phụ lục.docx" is none.
  const ENDS = new Set(("vn com net org gov edu info biz asia mil int eu uk us cn ru jp kr sg io co tv app dev xyz top site online shop club"
    + " vip live link click example").split(" "));
  // A label has 63 letters at most: what has no end costs no more than its length.
  const LABEL = String.raw`[\p{L}\p{N}\p{M}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?`;
  const ADDRESS = new RegExp(String.raw`(https?:\/\/|ftp:\/\/|www\.|@)?((?:${LABEL}\.)+(?:\p{L}{2,24}|xn--[a-z0-9-]{1,59}))(?![\p{L}\p{N}])`, "giu");
  // So many letters of a text are judged: nobody reads on for a name.
  const JUDGED = 2000;
  const MATHML = "http://www.w3.org/1998/Math/MathML";
  const XLINK = "http://www.w3.org/1999/xlink";
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
  // As an eye reads it. One width first: that makes some letters invisible which were not.
  const plain = (text) => text.normalize("NFKC").replace(/\p{Default_Ignorable_Code_Point}/gu, "").replace(/\u3002/g, ".").replace(/\s+/g, " ").trim();
  // A name that the browser takes for none is the same as no other.
  const named = (text) => [...plain(text).slice(0, JUDGED).matchAll(ADDRESS)]
    .filter(([, before, name]) => before || ENDS.has(name.split(".").pop().toLowerCase()))
    .map(([, , name]) => host(name) || name.slice(0, 100));
  const same = (one, other) => one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`);
  // What an eye takes for the same: "hanam-g0v.vn".
  const blurred = (name) => name.replace(/rn/g, "m").replace(/0/g, "o").replace(/1/g, "l").replace(/[^a-z0-9]/g, "");

  // In SVG and MathML it is no property.
  const address = (link) => link.getAttribute("href") ?? link.getAttributeNS(XLINK, "href") ?? "";
  // Where a link leads, and the label of what is wrong with it.
  const judged = (link) => {
    let url;
    try {
      url = new URL(address(link), document.baseURI);
    } catch {
      return null;
    }
    const mail = url.protocol === "mailto:";
    if (!(mail ? url.pathname : ["http:", "https:", "ftp:"].includes(url.protocol))) {
      return null;
    }
    let mailbox = url.pathname;
    let readable = true;
    if (mail) {
      try {
        mailbox = decodeURIComponent(mailbox);
      } catch {
        readable = false;
      }
    }
    const place = mailbox.split(",")[0].split("@").pop();
    const target = mail ? host(place) : url.hostname.replace(/^www\./, "");
    const own = rcmail.env.hanam_domain;
    const state = own.split(".").slice(-2).join(".");
    // What is hidden may part a name that is read, or be the only thing that makes it another.
    const other = [link.textContent, link.innerText].flatMap((text) => named(text ?? "")).find((name) => !same(name, target));
    const label = other ? "linkother"
      : url.username ? "linkcredentials"
      : !target || !readable || target.includes("xn--") ? "linkodd"
      : /^[\d.]+$|^\[/.test(target) ? "linknumber"
      : !same(target, state) && blurred(target).includes(blurred(own.split(".").slice(0, 2).join("."))) ? "linklike"
      : "";
    return label ? { href: url.href, target: target || plain(place).slice(0, 100), label, other } : null;
  };
  // One that cannot be judged is odd, and keeps no other from being judged.
  const faultOf = (link) => {
    try {
      return judged(link);
    } catch {
      const href = address(link);
      return { href, target: href.slice(0, 100), label: "linkodd" };
    }
  };
  const told = ({ target, label, other }) => [
    rcmail.get_label("hanam.linkto").replace("$host", () => target),
    rcmail.get_label(`hanam.${label}`).replace("$named", () => other || "").replace("$domain", rcmail.env.hanam_domain),
  ].join("");

  const box = (text) => {
    const told = document.createElement("div");
    told.className = "notice warning hanam-links alert alert-warning";
    told.setAttribute("role", "alert");
    told.textContent = text;
    return told;
  };
  const ask = (fault) => (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    rcmail.confirm_dialog($("<p>").text(told(fault)), "hanam.linkopen", () => {
      window.open(fault.href, "_blank", "noopener,noreferrer");
      return true;
    });
  };
  const mark = (link, fault) => {
    const question = ask(fault);
    link.addEventListener("click", question, true);
    // The middle button opens a window of its own; the right one only the browser's menu.
    link.addEventListener("auxclick", (event) => event.button === 1 && question(event), true);
    const sign = document.createElement("hanam-link");
    sign.textContent = told(fault);
    // Styles of the message cannot undo these.
    for (const [property, value] of Object.entries(IMPORTANT)) {
      sign.style.setProperty(property, value, "important");
    }
    // No text is shown within a drawing or a formula.
    let place = link;
    for (let outer = link; outer; outer = outer.parentElement?.closest("svg, math")) {
      place = outer;
    }
    place.after(sign);
  };

  rcmail.addEventListener("init", () => {
    const place = document.getElementById("message-objects");
    const body = document.getElementById("messagebody");
    if (!body) {
      return;
    }
    // A page that is printed has no such place.
    const warn = (text) => (place ? place.append(box(text)) : body.before(box(text)));
    const fields = body.querySelectorAll("input[type=password]");
    fields.forEach((field) => Object.assign(field, { type: "text", value: "", disabled: true }));
    // In MathML every element may be a link. All are judged before the first mark: reading what is shown lays the page out anew after each.
    const faults = [...body.querySelectorAll("[*|href]")]
      .filter((each) => each.namespaceURI === MATHML || ["a", "area"].includes(each.localName))
      .map((link) => [link, faultOf(link)]).filter(([, fault]) => fault);
    if (faults.length) {
      const hosts = new Set(faults.map(([, { target }]) => target));
      warn(rcmail.get_label("hanam.linkswarning").replace("$hosts", () => [...hosts].join(", ")));
    }
    faults.forEach(([link, fault]) => mark(link, fault));
    if (fields.length) {
      warn(rcmail.get_label("hanam.passwordfield"));
    }
  });
}
