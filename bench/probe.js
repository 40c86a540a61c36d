// Runs in every page of the UI bench before the page's own code: counts what comes over the websocket, and notes when
// something is painted. It looks only at what a mutation brings, so it costs both chats next to nothing.
(() => {
  const probe = (window.benchProbe = { bytes: 0, frames: 0, marks: null, dialog: null });
  const everything = { childList: true, characterData: true, subtree: true };

  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        probe.frames += 1;
        probe.bytes += data.byteLength ?? data.length;
      });
    }
  };

  const afterPaint = (then) =>
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => then(performance.now());
      channel.port2.postMessage(null);
    });

  const within = (seconds, what, start) =>
    new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1000);
      start(resolve);
    });

  // Resolves with the page's time at which each word was painted, once all of them were.
  probe.painted = (words, seconds) =>
    within(seconds, `painting ${words}`, (resolve) => {
      const times = {};
      const waiting = new Set(words);
      const observer = new MutationObserver((records) => {
        for (const record of records) {
          const brought = record.type === "characterData" ? [record.target] : record.addedNodes;
          for (const node of brought) {
            for (const word of waiting) {
              if (!node.textContent?.includes(word)) continue; // a doctype has none
              waiting.delete(word);
              afterPaint((now) => {
                times[word] = now;
                if (Object.keys(times).length === words.length) resolve(times);
              });
            }
          }
        }
        if (!waiting.size) observer.disconnect();
      });
      observer.observe(document, everything);
    });

  // Resolves with the milliseconds from the next click on the element until no dialog is there and a heading shows the
  // words, painted.
  probe.saved = (selector, words, seconds) =>
    within(seconds, `saving ${words}`, (resolve) => {
      const headed = () => [...document.querySelectorAll("h1, h2, h3, h4")].some((h) => h.textContent.includes(words));
      const clicked = () => {
        const begun = performance.now();
        let headedAt = null;
        const observer = new MutationObserver(() => {
          if (headedAt === null && headed()) headedAt = performance.now() - begun;
          if (headedAt === null || document.querySelector("[data-testid=stDialog]")) return;
          observer.disconnect();
          afterPaint((now) => resolve({ done: now - begun, headed: headedAt }));
        });
        observer.observe(document, { ...everything, attributes: true });
      };
      document.querySelector(selector).addEventListener("click", clicked, { capture: true, once: true });
    });
})();
