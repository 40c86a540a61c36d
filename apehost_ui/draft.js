// Keeps what stands in the composer over a reload, in the window's session storage under the conversation that the
// URL names, and puts the cursor into the composer. Streamlit's own composer does neither; its text reaches the
// server only when it is sent. Runs once in a window, on all pages.

const PREFIX = "apehost-draft-";
const EVERY_MS = 250;
const NEW = "new";

let name = null;
let area = null;

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

function meet(found) {
  area = found;
  if (!area.value && kept()) write(kept());
  const idle = document.activeElement === document.body;
  if (idle && matchMedia("(pointer: fine)").matches) area.focus({ preventScroll: true });
}

function turnTo(conversation) {
  const from = name;
  if (from !== null && area !== null) keep();
  name = conversation;
  // A conversation that has just begun takes along what was typed since; any other one has a draft of its own.
  if (from !== null && area !== null && (from !== NEW || (!area.value && kept()))) write(kept() ?? "");
}

setInterval(() => {
  const found = document.querySelector('[data-testid="stChatInputTextArea"]');
  const usable = found !== null && !found.disabled;
  const conversation = new URLSearchParams(location.search).get("c") ?? NEW;
  if (!usable) area = null;
  if (conversation !== name) turnTo(conversation);
  if (usable && found !== area) meet(found);
  else if (usable) keep();
}, EVERY_MS);
