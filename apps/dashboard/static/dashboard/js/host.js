// The page of one host: its GPUs now, and what they did side by side.

import { get } from "./api.js";
import { age, label, NOTHING, value } from "./format.js";
import { Live } from "./live.js";
import { badge, begin, byId, failPage, h, morph, part } from "./page.js";
import { History } from "./history/page.js";

const COLUMNS = ["gpu_utilization", "memory_used_mib", "power_draw", "temperature", "sm_clock_mhz"];

const hostname = part("hostname");
const history = new History({ cluster: "" }, { linesOf, onShow: drawTable });
const newest = new Map();
let registry = [];
let gpus = [];

start();

async function start() {
  document.title = `${hostname} · GPU telemetry`;
  byId("title").textContent = hostname;
  try {
    const [metrics] = await Promise.all([get("metrics"), readGpus()]);
    registry = metrics.results;
  } catch (error) {
    failPage(error);
    return;
  }
  begin();
  const { cluster } = history.state;
  const live = new Live("/ws/telemetry/", { rows: takeRows });
  live.subscribe({ filters: { host: hostname, ...(cluster ? { cluster } : {}), metrics: COLUMNS } });
  await history.begin(registry, () => readGpus().then(drawTable));
}

async function readGpus() {
  const { cluster } = history.state;
  gpus = (await get(`hosts/${encodeURIComponent(hostname)}/gpus`, { cluster, limit: 1000 })).results;
}

function linesOf() {
  return gpus.map((gpu) => ({ uuid: gpu.uuid, label: `GPU ${gpu.gpu_id}`, lastSeen: gpu.last_seen_at }));
}

function takeRows(rows) {
  for (const row of rows) newest.set(row.uuid, row);
  drawTable();
}

function drawTable() {
  const metrics = COLUMNS.map((name) => registry.find((metric) => metric.name === name)).filter(Boolean);
  morph(byId("gpus").tHead, h("tr", {}, h("th", {}, "GPU"), h("th", {}, "State"),
    ...metrics.map((metric) => h("th", { class: "number", title: metric.description }, label(metric))), h("th", {}, "Seen"), h("th", {}, "Model")));
  morph(byId("gpus").tBodies[0], ...gpus.map((gpu) => {
    const row = newest.get(gpu.uuid);
    const seen = row?.timestamp ?? gpu.last_seen_at;
    return h("tr", { "data-uuid": gpu.uuid },
      h("td", {}, h("a", { href: `/gpus/${encodeURIComponent(gpu.uuid)}?${history.query}` }, `GPU ${gpu.gpu_id}`)), h("td", {}, badge(gpu.state)),
      ...metrics.map((metric) => h("td", { class: "number" }, row ? value(row[metric.name], metric) : NOTHING)),
      h("td", {}, seen ? `${age(seen)} ago` : "never"), h("td", { class: "name" }, gpu.model_name));
  }));
}
