// What stands in the composer, kept in the window's session storage under the name of the conversation.
// Streamlit calls the default function at every run of the page, so what must last stands outside of it.

const PREFIX = "apehost-draft-";
const EVERY_MS = 250;
const NEW = "new";

let name = null;
let area = null;
let timer = null;

function write(text) {
  // React looks at the event, not at the property.
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text);
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function keep() {
  if (area.value) sessionStorage.setItem(PREFIX + name, area.value);
  else sessionStorage.removeItem(PREFIX + name);
}

function kept() {
  return sessionStorage.getItem(PREFIX + name);
}

function look() {
  const found = document.querySelector('[data-testid="stChatInputTextArea"]');
  if (found === null || found.disabled) {
    area = null;
  } else if (found === area) {
    keep();
  } else {
    area = found;
    if (!area.value && kept()) write(kept());
    const idle = document.activeElement === document.body;
    if (idle && matchMedia("(pointer: fine)").matches) area.focus({ preventScroll: true });
  }
}

function turn(to) {
  const from = name;
  if (from === to) return;
  if (from !== null && area !== null) keep();
  name = to;
  if (from === null || area === null) return;
  // A conversation that has just begun takes along what was typed since; any other one has a draft of its own.
  if (from !== NEW || (!area.value && kept())) write(kept() ?? "");
}

export default function ({ data }) {
  turn(data.name);
  clearInterval(timer);
  timer = setInterval(look, EVERY_MS);
  look();
  return () => clearInterval(timer);
}
