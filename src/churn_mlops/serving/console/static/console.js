// What the pages do beyond plain links and forms. Every page works without this file.
"use strict";

document.documentElement.dataset.script = "on";

// Find as one types: the rows are links, so Tab and the arrow keys reach them.
const search = document.querySelector("input[data-find]");
if (search) {
  const list = document.getElementById("suggestions");
  const status = document.getElementById("q-status");
  let timer = 0;
  let newest = 0;

  const link = (href, ...content) => {
    const made = document.createElement("a");
    made.className = "row";
    made.href = href;
    made.append(...content);
    const item = document.createElement("li");
    item.append(made);
    return item;
  };
  const word = (text, ...classes) => {
    const made = document.createElement("span");
    made.classList.add(...classes);
    made.textContent = text;
    return made;
  };
  const show = ({ customers, said, every }) => {
    list.replaceChildren(
      ...customers.map((one) => link(one.href, word(one.id, "id"), word(one.risk, "badge", one.band))),
      ...(every ? [link(every.href, every.text)] : []),
    );
    list.hidden = customers.length === 0;
    status.textContent = said;
  };

  const look = async () => {
    const wanted = search.value.trim();
    const asked = ++newest;
    if (!wanted) {
      list.hidden = true;
      status.textContent = "";
      return;
    }
    const answer = await fetch(`${search.dataset.find}?q=${encodeURIComponent(wanted)}`).catch(() => null);
    if (asked === newest && answer && answer.ok) {
      show(await answer.json());
    }
  };

  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 120);
  });
  search.form.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") {
      return;
    }
    const places = [search, ...list.querySelectorAll("a")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = places[places.indexOf(document.activeElement) + step];
    if (next && !list.hidden) {
      event.preventDefault();
      next.focus();
    }
  });
}

// A form that records something is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
  }
});

// A choice among few takes effect when it is made.
for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

// The list: a row is where the keys are; what is done to customers is done to the ticked rows, or else to this one.
const rows = [...document.querySelectorAll("tr[data-row]")];
const placeOf = (row) => document.getElementById(`r${row.dataset.row}`);
const ticks = () => [...document.querySelectorAll("input[name^='row-']")];
const work = document.querySelector("form[data-rows]");
let row = null;

const goTo = (next) => {
  row = next;
  placeOf(row).focus();
};
const count = () => {
  const chosen = work.querySelector("[data-chosen]");
  const ticked = ticks().filter((tick) => tick.checked).length;
  chosen.dataset.none = chosen.dataset.none || chosen.textContent;
  const words = ticked === 0 ? chosen.dataset.none : ticked === 1 ? chosen.dataset.one : chosen.dataset.other;
  chosen.textContent = words.replace("{count}", ticked);
  work.dataset.ticked = ticked;
  const said = work.querySelector(".banner.done");  // of the change before, which the next one follows
  if (said && (ticked > 0 || work.elements.all.checked)) {
    said.hidden = true;
  }
};
const tickThisRow = () => {
  if (row && !work.elements.all.checked && !ticks().some((tick) => tick.checked)) {
    row.querySelector("input").checked = true;
    count();
  }
};
for (const one of rows) {
  one.addEventListener("focusin", () => {
    row = one;
    sessionStorage.setItem("row", one.dataset.row);
  });
}
if (work) {
  const every = document.querySelector("input[data-every]");
  every.addEventListener("change", () => {
    ticks().forEach((tick) => { tick.checked = every.checked; });
    count();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[name^='row-'], input[name='all']")) {
      count();
    }
  });
  window.addEventListener("pageshow", count);
}
// Enter in a field does what the button beside it does; in a choice without an answer it opens the choice.
for (const field of document.querySelectorAll("[data-enter]")) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (field.value || !field.matches("select"))) {
      event.preventDefault();
      document.getElementById(field.dataset.enter).click();
    }
  });
}
// Back from a customer, or after a change, the keys go on where they were; if that row is gone, with the next one.
const came = document.referrer ? new URL(document.referrer).pathname : "";
const isBack = location.hash || came.startsWith("/customers") || document.querySelector("[data-mended]");
if (rows.length > 0 && isBack && !document.querySelector("[aria-invalid]")) {
  const rank = Number(location.hash ? location.hash.slice(2) : sessionStorage.getItem("row"));
  const there = rows.find((one) => Number(one.dataset.row) >= rank);
  if (there) {
    goTo(there);
  }
}

// One key does what a marked button, link or field is for; letters that someone types into a field are text.
const writes = (element) => element.matches("input:not([type=checkbox]), select, textarea");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
    return;
  }
  if (event.key === "Escape" && writes(event.target)) {
    event.target.blur();
    return;
  }
  if (writes(event.target)) {
    return;
  }
  const key = event.key.toLowerCase();
  if ((key === "j" || key === "k") && rows.length > 0) {
    const at = rows.indexOf(row);
    const to = key === "j" ? at + 1 : Math.max(0, at - 1);
    goTo(rows[Math.min(to, rows.length - 1)]);
    event.preventDefault();
    return;
  }
  if (key === "v" && row && work) {
    row.querySelector("input").click();
    return;
  }
  const marked = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!marked || event.repeat) {
    return;
  }
  event.preventDefault();
  if (work && work.contains(marked)) {
    tickThisRow();
  }
  const folded = marked.matches("summary") ? null : marked.closest("details:not([open])");
  if (folded) {  // what is out of sight is opened first, and done by the next key
    folded.open = true;
    marked.focus();
  } else if (marked.matches("summary")) {
    marked.click();
    marked.parentElement.querySelector("select, input:not([type=hidden])").focus();
  } else if (marked.matches("input, select")) {
    marked.focus();
    if (marked.select) {
      marked.select();
    }
  } else {
    marked.click();
  }
});
