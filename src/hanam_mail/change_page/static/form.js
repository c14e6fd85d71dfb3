// Shows which rules the new password does not meet yet, while it is typed; sends the form without leaving the page; signs in
// to the webmail afterwards. Without scripts the form works all the same. The database judges, this only helps.
"use strict";

const form = document.querySelector("form");
const field = (id) => document.getElementById(id);
const count = (text, pattern) => (text.match(pattern) || []).length;
const codePoints = (text) => Array.from(text).length;

// Rules that a browser can judge: true when met. The others (common, history, name) are known after sending.
const judges = {
  min_length: (text, number) => codePoints(text) >= number,
  uppercase: (text, number) => count(text, /\p{Lu}/gu) >= number,
  lowercase: (text, number) => count(text, /\p{Ll}/gu) >= number,
  digit: (text, number) => count(text, /\p{Nd}/gu) >= number,
  special: (text, number) => Array.from(text).filter((sign) => form.dataset.special.includes(sign)).length >= number,
  max_octets: (text, number) => new TextEncoder().encode(text).length <= number,
  account: (text) => {
    const name = field("login").value.split("@")[0].toLowerCase();
    return name.length < 3 || !text.toLowerCase().includes(name);
  },
};

function judge() {
  const text = field("new").value.normalize("NFC");
  for (const item of document.querySelectorAll("#rules li")) {
    const met = judges[item.dataset.rule];
    if (met) {
      const right = met(text, Number(item.dataset.number));
      item.classList.toggle("met", text !== "" && right);
      item.classList.toggle("unmet", text !== "" && !right);
    }
  }
  const repeat = field("repeat").value;
  field("differs").hidden = repeat === "" || repeat === field("new").value;
}

function tell(message, texts) {
  const answer = field("answer");
  answer.querySelector("p").textContent = message;
  answer.querySelector("ul").replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = `Mật khẩu mới ${text}`;
    return item;
  }));
  answer.hidden = false;
}

// Whatever happens after the change, it was made.
function changed() {
  form.hidden = true;
  field("answer").classList.add("done");
  tell("Đã đổi mật khẩu, mật khẩu mới có hiệu lực ngay. Chưa mở được hộp thư: hãy đăng nhập bằng mật khẩu mới.", []);
}

// The webmail's own login form, filled in and sent: its page gives the token that it asks back.
async function enter(login, password) {
  const page = await fetch(form.dataset.webmail, { credentials: "same-origin" });
  if (!page.ok) {
    throw new Error(`webmail: ${page.status}`);
  }
  const source = new DOMParser().parseFromString(await page.text(), "text/html");
  const token = source.querySelector("input[name=_token]");
  if (!token) {
    window.location.assign(form.dataset.webmail);
    return;
  }
  const sign = document.createElement("form");
  sign.method = "post";
  sign.action = `${form.dataset.webmail}?_task=login`;
  const values = { _token: token.value, _task: "login", _action: "login", _timezone: "_default_", _user: login, _pass: password };
  for (const [name, value] of Object.entries(values)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    sign.append(input);
  }
  document.body.append(sign);
  sign.submit();
}

// The server's answer to the change; null when there was none that tells what became of it.
async function change() {
  try {
    const response = await fetch(form.action, {
      method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)),
    });
    // Busy, or too many at once: a page for people came back, and nothing was tried.
    if (response.status === 503 || (response.status === 429 && !/json/.test(response.headers.get("Content-Type")))) {
      return { result: "busy", message: "Chưa đổi mật khẩu: hệ thống đang bận. Hãy thử lại sau ít phút.", texts: [] };
    }
    return await response.json();
  } catch {
    return null;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  field("send").disabled = true;
  const answer = await change();
  if (answer === null) {
    tell("Hệ thống không trả lời nên không rõ mật khẩu đã đổi hay chưa. Hãy thử đăng nhập bằng mật khẩu mới;"
      + " nếu không được, mật khẩu cũ vẫn còn hiệu lực và cần đổi lại.", []);
  } else if (answer.result === "changed") {
    try {
      await enter(field("login").value.trim(), field("new").value);
    } catch {
      changed();
    }
    return;
  } else if (answer.result === "locked") {
    window.location.assign(`tam-khoa?ly-do=${encodeURIComponent(answer.cause || "")}`);
    return;
  } else if (answer.result === "revoked") {
    window.location.assign("thu-hoi");
    return;
  } else {
    tell(answer.message, answer.texts);
  }
  field("send").disabled = false;
});

for (const id of ["login", "new", "repeat"]) {
  field(id).addEventListener("input", judge);
}
field("show").addEventListener("change", (event) => {
  for (const id of ["old", "new", "repeat"]) {
    field(id).type = event.target.checked ? "text" : "password";
  }
});
judge();
