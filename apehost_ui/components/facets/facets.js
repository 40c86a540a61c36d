// Draws the facets of a search and says which value is picked. Names and values become text nodes.

function element(name, kind, ...inside) {
  const made = document.createElement(name);
  made.className = kind;
  made.append(...inside);
  return made;
}

function value(facet, { value, count, words }, say) {
  const made = element("button", "apehost-facets-value", value, " ", element("span", "apehost-facets-count", count));
  made.type = "button";
  made.dir = "auto";
  made.dataset.words = words;
  made.ariaLabel = `Only ${facet} ${value}, ${count}`;
  made.addEventListener("click", () => say("pick", words));
  return made;
}

function line({ name, values }, say) {
  const made = element("div", "apehost-facets-line", element("span", "apehost-facets-name", name));
  made.append(element("div", "apehost-facets-values", ...values.map((each) => value(name, each, say))));
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let facets = parentElement.querySelector(".apehost-facets");
  if (facets === null) {
    facets = element("div", "apehost-facets");
    parentElement.append(facets);
  }
  const focused = facets.contains(document.activeElement) ? document.activeElement.dataset.words : null;
  facets.replaceChildren(...data.lines.map((each) => line(each, setTriggerValue)));
  if (focused !== null) facets.querySelector(`[data-words="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
