(() => {
"use strict";
const words = document.body.dataset;
const button = (label) => {
  const made = document.createElement("button");
  made.type = "button";
  made.append(...label);
  return made;
};
const raw = (cell) => cell.dataset.v ?? cell.textContent;

for (const table of document.querySelectorAll("table[id^='table-']")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];

  heads.forEach((head, place) => {
    const numeric = head.classList.contains("n");
    const sorter = button(head.childNodes);
    head.append(sorter);
    sorter.onclick = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const order = (one, two) => {
        const a = raw(one.cells[place]), b = raw(two.cells[place]);
        if (a === "" || b === "") return (a === "") - (b === "");  // unknown stays last
        const sign = numeric ? a - b : a.localeCompare(b, document.documentElement.lang, {numeric: true});
        return down ? -sign : sign;
      };
      body.append(...[...body.rows].sort(order));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
  });

  // A spreadsheet takes pasted text that begins like a formula for one.
  const cellText = (cell) => {
    const text = raw(cell).replace(/\s+/g, " ").trim();
    return !cell.classList.contains("n") && /^[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) ? "'" + text : text;
  };
  const copier = button([words.copy]);
  copier.className = "copy";
  copier.setAttribute("aria-live", "polite");
  copier.onclick = () => {
    const rows = [table.tHead.rows[0], ...body.rows];
    const text = rows.map((row) => [...row.cells].map(cellText).join("\t")).join("\n");
    const say = (word) => {
      copier.textContent = word;
      setTimeout(() => { copier.textContent = words.copy; }, 2500);
    };
    const select = () => {
      getSelection().selectAllChildren(table);
      say(words.selected);
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say(words.copied), select);
    else select();
  };
  if (body.rows.length) table.closest(".table").prepend(copier);
}

const parts = [...document.querySelectorAll("details.code")];
const toggle = document.getElementById("code");
if (toggle && parts.length) {
  const label = () => { toggle.textContent = parts.every((part) => part.open) ? words.hide : words.show; };
  toggle.onclick = () => {
    const open = !parts.every((part) => part.open);
    parts.forEach((part) => { part.open = open; });
    label();
  };
  parts.forEach((part) => part.addEventListener("toggle", label));
  toggle.hidden = false;
  label();
}
})();
