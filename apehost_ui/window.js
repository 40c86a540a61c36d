// What a browser window does by itself, since Streamlit does not: it keeps what stands in the composer over a reload
// (in its session storage, under the conversation that the URL names; the text reaches the server only when it is
// sent), puts the cursor into the composer or the search box and from there to the hits, shows the end of a
// conversation that is opened or the message that the URL names, has Back lead to what was seen last, and reloads a
// page whose timers Streamlit has lost on a busy machine. Runs once in a window, on all pages.

const PREFIX = "apehost-draft-";
const EVERY_MS = 250;
const NEW = "new";
const SETTLING_MS = 2000; // what a conversation may take to be drawn
const BETWEEN_MS = 5000; // what a page may take to be left for another
const STUCK_TICKS = 40; // the line under a live answer counts seconds; so many ticks without a change are no pause

let settledAt = 0;
let begins = false; // a first message was sent from a new chat, and its conversation has no name in the URL yet
let stateLine = null;
let unchanged = 0;
let name = null;
let area = null;
let box = null; // where the history is searched
let sought = null; // the message that the URL names
let renamedAt = -Infinity; // when the names in the URL changed last

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

function search() {
  const found = document.querySelector(".st-key-q input");
  if (found !== null && found !== box && matchMedia("(pointer: fine)").matches) found.focus({ preventScroll: true });
  box = found;
}

function toTheHits(event) {
  if (event.target !== box || event.key !== "ArrowDown" || event.isComposing) return; // an input method has its own lists
  const first = document.querySelector(".apehost-rows-title");
  if (first === null) return;
  event.preventDefault();
  first.focus();
}

function toThePlace() {
  if (performance.now() > settledAt) return;
  const message = sought && document.querySelector(`.st-key-message-${CSS.escape(sought)}`);
  if (message) {
    message.dataset.sought = "";
    message.scrollIntoView({ block: "center" });
    return;
  }
  const column = document.querySelector('[data-testid="stAppScrollToBottomContainer"]');
  if (column !== null) column.scrollTop = column.scrollHeight;
}

function unstick() {
  const line = document.querySelector('.st-key-live [data-testid="stCaptionContainer"]')?.textContent ?? null;
  const busy = line === null || document.querySelector('[role="dialog"]') !== null;
  unchanged = !busy && line === stateLine ? unchanged + 1 : 0;
  stateLine = line;
  if (unchanged < STUCK_TICKS) return;
  unchanged = 0;
  fetch("/api/health?probe=live").then((answer) => answer.ok && location.reload(), () => {}); // not while it is away
}

function turnTo(conversation) {
  const from = name;
  settledAt = performance.now() + SETTLING_MS;
  if (from !== null && area !== null) keep();
  // A conversation that has just begun takes along what was typed since; any other one has a draft of its own.
  const carries = from === NEW && begins;
  if (carries) sessionStorage.removeItem(PREFIX + NEW);
  begins = false;
  name = conversation;
  if (from !== null && area !== null && !carries) write(kept() ?? "");
}

function sends() {
  begins = name === NEW && area !== null && area.value.trim() !== "";
}

function look() {
  const found = document.querySelector('[data-testid="stChatInputTextArea"]');
  const usable = found !== null && !found.disabled;
  const conversation = new URLSearchParams(location.search).get("c") ?? NEW;
  if (!usable) area = null;
  const message = new URLSearchParams(location.search).get("m");
  if (message !== sought) {
    document.querySelectorAll("[data-sought]").forEach((element) => delete element.dataset.sought);
    if (message !== null) settledAt = performance.now() + SETTLING_MS;
  }
  sought = message;
  if (conversation !== name) turnTo(conversation);
  if (usable && found !== area) meet(found);
  else if (usable) keep();
}

// Where a page is left for another with names in its URL, Streamlit writes two entries: the page that is left with the
// new names, and then the other page. Nobody has seen the first; the second takes its place.
const pushed = history.pushState.bind(history);
history.pushState = (data, unused, url) => {
  const to = new URL(url ?? "", location.href);
  const leaves = to.pathname !== location.pathname;
  const between = leaves && to.search === location.search && performance.now() - renamedAt < BETWEEN_MS;
  renamedAt = leaves || !to.search ? -Infinity : performance.now();
  if (between) history.replaceState(data, unused, url);
  else pushed(data, unused, url);
};

setInterval(() => {
  look();
  search();
  toThePlace();
  unstick();
}, EVERY_MS);

for (const event of ["wheel", "touchmove", "keydown"]) {
  addEventListener(event, () => (settledAt = 0), { passive: true }); // the person has taken over
}

addEventListener("keydown", toTheHits);
addEventListener("keydown", look, true); // before the letter: it belongs to the conversation that is open by now
addEventListener("keydown", (event) => event.target === area && event.key === "Enter" && !event.shiftKey && sends(), true);
addEventListener("click", (event) => event.target.closest?.('[data-testid="stChatInputSubmitButton"]') && sends(), true);
