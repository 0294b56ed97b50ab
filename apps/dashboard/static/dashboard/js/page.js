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

export const byId = (id) => document.getElementById(id);

// Instead of what is in `place`: what went wrong, and a way to try again.
export function showError(place, error, again) {
  place.replaceChildren(
    h("div", { class: "notice error", role: "alert" },
      h("p", {}, error.message),
      again ? h("button", { type: "button", onclick: again }, "Try again") : null),
  );
}

// Instead of what is in `place`: that there is nothing, and what to do about it.
export function showEmpty(place, text, command) {
  place.replaceChildren(
    h("div", { class: "notice" }, h("p", {}, text), command ? h("p", {}, h("code", {}, command)) : null),
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
