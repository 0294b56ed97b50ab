// What every page does with elements, errors and its own address.

// An element: h("td", {class: "number"}, text, child, …). Text is always text, never markup.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Makes what is in `place` like `children`, and leaves alone what is like that already: what somebody
// is about to click, has focused or has selected stays there while numbers around it change. Elements
// may not have listeners of their own.
export function morph(place, ...children) {
  children.forEach((wanted, index) => {
    const there = place.childNodes[index];
    if (!there) place.append(wanted);
    else if (there.isEqualNode(wanted)) return;
    else if (there.nodeName !== wanted.nodeName || wanted.nodeType !== Node.ELEMENT_NODE) there.replaceWith(wanted);
    else {
      for (const { name } of [...there.attributes]) if (!wanted.hasAttribute(name)) there.removeAttribute(name);
      for (const { name, value } of wanted.attributes) {
        if (name === "style") there.style.cssText = wanted.style.cssText; // the content policy forbids the attribute
        else if (there.getAttribute(name) !== value) there.setAttribute(name, value);
      }
      morph(there, ...wanted.childNodes);
    }
  });
  while (place.childNodes.length > children.length) place.lastChild.remove();
}

// Big numbers side by side: [[text, what, why], …].
export function showTiles(place, tiles) {
  morph(place, ...tiles.map(([text, what, why]) => h("div", { class: "tile", title: why }, h("b", {}, text), h("span", {}, what))));
}

// How something is, in a word and a colour; nothing where that is not known.
export const badge = (state) => state && h("span", { class: "badge", "data-state": state }, state.replaceAll("_", " "));

// A name out of the page's address, as the server read it.
export const part = (name) => document.body.dataset[name];

export const byId = (id) => document.getElementById(id);

// Instead of what is in `place`: what went wrong, and a way to try again.
export function showError(place, error, again) {
  place.replaceChildren(
    h("div", { class: "notice error", role: "alert" },
      h("p", {}, error.message),
      again ? h("button", { type: "button", onclick: again }, "Try again") : null),
  );
}

// There is something to show from now on.
export function begin() {
  delete document.body.dataset.waiting;
  byId("message").replaceChildren();
}

// Instead of the whole page: why it cannot begin.
export function failPage(error) {
  document.body.dataset.failed = "";
  showError(byId("message"), error, () => location.reload());
}

// Instead of what is in `place`: that there is nothing, and what to do about it.
export function showEmpty(place, text, ...commands) {
  place.replaceChildren(
    h("div", { class: "notice" }, h("p", {}, text), ...commands.map((command) => h("p", {}, h("code", {}, command)))),
  );
}

// The page's state is the query of its address, so a link shows what its sender saw.
export function readState(defaults) {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, query.get(name) ?? value]),
  );
}

export function writeState(state, defaults) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (value !== "" && value !== null && value !== defaults[name]) query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}
