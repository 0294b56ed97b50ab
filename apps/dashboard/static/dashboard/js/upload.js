// The upload page: sends a file, then follows it until its records are stored.

import { csrf, get, post, Problem, url } from "./api.js";
import { bytes, count, NOTHING, time } from "./format.js";
import { badge, byId, h, morph, showError } from "./page.js";
import { contents } from "./upload/contents.js";

const FOLLOW_MS = 500;
const LIST_MS = 5000;
const ENDED = ["done", "failed", "cancelled"];

const drop = byId("drop");
const input = byId("file");

for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, over);
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});
byId("uploads").addEventListener("click", (event) => event.target.dataset.id && follow(event.target.dataset.id));
input.addEventListener("change", () => input.files.length && send(input.files[0]));
list();
setInterval(() => document.hidden || list(), LIST_MS);

function over(event) {
  event.preventDefault();
  drop.classList.add("over");
}

// XMLHttpRequest, for fetch does not tell how far it has sent.
function send(file) {
  const form = new FormData();
  form.append("file", file);
  const request = new XMLHttpRequest();
  request.open("POST", url("csv/upload", { force: byId("force").checked ? "true" : "" }));
  for (const [name, token] of Object.entries(csrf())) request.setRequestHeader(name, token);
  request.upload.addEventListener("progress", (event) => progress("Sending", event.loaded, event.total));
  request.addEventListener("load", () => answered(request));
  request.addEventListener("error", () => showError(byId("progress"), new Problem(0, "The gateway does not answer. Is it running?")));
  byId("result").replaceChildren();
  progress(`Sending ${file.name}`, 0, file.size);
  request.send(form);
  input.value = "";
}

function answered(request) {
  let body = {};
  try {
    body = JSON.parse(request.responseText);
  } catch {
    body.detail = request.statusText;
  }
  if (request.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    return;
  }
  if (request.status >= 300) {
    showError(byId("progress"), new Problem(request.status, body.detail));
    return;
  }
  follow(body.id);
}

function progress(what, done, whole, unit = bytes) {
  const bar = h("progress", { max: whole || 1, value: done, "aria-label": what });
  morph(byId("progress"), h("p", {}, `${what}: ${unit(done)} of ${unit(whole)}`), bar);
}

// One upload at a time: the last that was asked for.
let followed = null;

async function follow(id) {
  followed = id;
  try {
    const upload = await get(`csv/uploads/${id}`);
    if (followed !== id) return;
    progress("Streaming", upload.percent, 100, (percent) => `${percent.toFixed(0)} %`);
    showResult(upload);
    if (!ENDED.includes(upload.state) || (upload.state === "done" && upload.records_stored === null)) {
      setTimeout(() => followed === id && follow(id), FOLLOW_MS);
    } else {
      byId("progress").replaceChildren(h("p", { class: "notice", role: "status" }, ending(upload)));
      list();
    }
  } catch (error) {
    showError(byId("progress"), error, () => follow(id));
  }
}

function ending(upload) {
  if (upload.state === "failed") return `It failed: ${upload.error}`;
  if (upload.state === "cancelled") return "It was cancelled.";
  return `${count(upload.records_stored)} records are stored.`;
}

function showResult(upload) {
  const rows = [["File", upload.filename], ["State", upload.state], ["Rows read", count(upload.rows)], ["Rows rejected", count(upload.rows_rejected)],
    ["Records published", count(upload.records_published)], ["Records stored", upload.records_stored === null ? NOTHING : count(upload.records_stored)]];
  const duplicate = upload.duplicate_of
    ? h("p", { class: "notice" }, "This file was sent before; its records are stored once. ",
      h("button", { type: "button", onclick: () => again(upload.id) }, "Stream it again"))
    : null;
  byId("result").replaceChildren(
    ...[duplicate].filter(Boolean),
    h("table", {}, h("tbody", {}, ...rows.map(([name, text]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "name" }, text))))),
    ...(ENDED.includes(upload.state) ? contents(upload) : []),
    ...rejections(upload.rejections ?? []),
  );
}

function rejections(found) {
  if (!found.length) return [];
  return [h("h2", {}, "Rejected rows"), h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Line"), h("th", {}, "Reason"))),
    h("tbody", {}, ...found.map((one) => h("tr", {}, h("td", { class: "number" }, String(one.line)), h("td", {}, one.reason)))))];
}

async function again(id) {
  try {
    await post(`csv/uploads/${id}/retry`);
    follow(id);
  } catch (error) {
    showError(byId("progress"), error);
  }
}

async function list() {
  try {
    const page = await get("csv/uploads", { limit: 20 });
    byId("message").replaceChildren();
    morph(byId("uploads"), ...(page.results.length ? page.results.map((one) =>
      h("tr", {}, h("td", {}, h("button", { type: "button", class: "quiet name", "data-id": one.id }, one.filename)), h("td", {}, badge(one.state)),
        h("td", { class: "number" }, `${one.percent.toFixed(0)} %`), h("td", { class: "number" }, count(one.records_published)),
        h("td", { class: "number" }, count(one.rows_rejected)), h("td", {}, time(one.created_at))))
      : [h("tr", {}, h("td", { colspan: 6, class: "muted" }, "Nothing was uploaded yet."))]));
  } catch (error) {
    showError(byId("message"), error, list);
  }
}
