// The REST API: one way to ask, and errors that say what the problem document says.

export class Problem extends Error {
  // `status` is 0 where no answer came.
  constructor(status, detail, parameter) {
    super(detail);
    this.status = status;
    this.parameter = parameter;
  }
}

// The address of a route below /api/v1/, without parameters that are null, undefined or "".
export function url(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

// The JSON of a route. Throws Problem; whoever must sign in is sent to do so.
export async function get(path, parameters, options = {}) {
  return read(await ask(url(path, parameters), options));
}

export async function post(path, parameters = {}) {
  return read(await ask(url(path, parameters), { method: "POST", headers: csrf() }));
}

export function csrf() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return found ? { "X-CSRFToken": found[1] } : {};
}

async function ask(address, options = {}) {
  try {
    return await fetch(address, { headers: { Accept: "application/json" }, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The gateway does not answer. Is it running?");
  }
}

export async function read(response) {
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    if (response.ok) throw new Problem(response.status, "The gateway answered no JSON.");
  }
  if (!response.ok) {
    throw new Problem(response.status, body?.detail ?? response.statusText, body?.parameter);
  }
  return body;
}
