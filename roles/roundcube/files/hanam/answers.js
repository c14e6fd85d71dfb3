// Who of an agency's clerks answered, in the list (hanam_answers.php).
"use strict";

if (window.rcmail) {
  rcmail.addEventListener("insertrow", ({ uid, row }) => {
    const told = (rcmail.env.messages?.[uid] || {}).hanam_told;
    const cell = told && row.obj.querySelector("td.subject");
    if (cell) {
      const line = document.createElement("span");
      line.className = "hanam-told";
      line.textContent = told;
      cell.append(line);
    }
  });
}
