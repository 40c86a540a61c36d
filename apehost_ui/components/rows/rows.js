// Draws the rows of a list and says which one is opened, previewed or picked. All that rows say becomes text nodes.
// ↓ and ↑ go from title to title, and above the first into the search box.

const LIST = "apehost-rows";

function element(name, kind, ...inside) {
  const made = document.createElement(name);
  made.className = `${LIST}-${kind}`;
  made.append(...inside);
  return made;
}

function words(pieces) {
  return pieces.map(([text, marked]) => (marked ? element("mark", "mark", text) : text));
}

function title(row, say) {
  const made = element("a", "title", ...words(row.title));
  made.href = row.link;
  made.dir = "auto";
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // the browser opens a tab or a window
    event.preventDefault();
    say("open", row.id);
  });
  return made;
}

function box(row, say) {
  const made = element("input", "box");
  made.type = "checkbox";
  made.checked = row.picked;
  made.ariaLabel = `Select ${said(row) || "this chat"}`;
  made.addEventListener("change", () => say("pick", row.id));
  return made;
}

function said(row) {
  return row.title.map(([text]) => text).join("");
}

function preview(row, open, say) {
  const label = open ? "Hide" : "Preview";
  const made = element("button", "preview", label);
  made.type = "button";
  made.ariaLabel = `${label} ${said(row)}`;
  made.ariaExpanded = String(open);
  made.addEventListener("click", () => say("preview", row.id));
  return made;
}

function drawn(row, open, say) {
  const line = element("div", "line");
  if (row.picked !== null) line.append(box(row, say));
  line.append(title(row, say));
  if (row.has_preview) line.append(preview(row, open, say));
  const about = element("p", "about", row.about, ...row.badges.map((badge) => element("span", "badge", badge)));
  const made = element("li", "row", line, about);
  made.dataset.id = row.id;
  if (row.text.length) {
    const text = element("p", "text", ...words(row.text));
    text.dir = "auto";
    made.append(text);
  }
  return made;
}

function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || event.target.type === "checkbox") return;
  const titles = [...document.querySelectorAll(`.${LIST}-title`)];
  const at = titles.indexOf(event.target.closest("li").querySelector("a")) + by;
  const next = at < 0 ? document.querySelector(".st-key-q input") : titles[at];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

// Where the cursor is in the list, so that it is there again in a list that is drawn anew.
function place(list) {
  const focused = document.activeElement;
  return list.contains(focused) ? [focused.closest("li").dataset.id, focused.className] : null;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let list = parentElement.querySelector(`.${LIST}`);
  if (list === null) {
    list = document.createElement("ul");
    list.className = LIST;
    list.addEventListener("keydown", step);
    parentElement.append(list);
  }
  const at = place(list);
  list.replaceChildren(...data.rows.map((row) => drawn(row, row.id === data.previewed, setTriggerValue)));
  if (at) list.querySelector(`[data-id="${CSS.escape(at[0])}"] .${at[1]}`)?.focus({ preventScroll: true });
}
