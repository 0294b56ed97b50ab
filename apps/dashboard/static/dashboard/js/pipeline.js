// The pipeline page: what waits, how fast it moves, who works on it, and what was decided.

import uPlot from "/static/vendor/uplot/uPlot.esm.js";

import { get } from "./api.js";
import { count, NOTHING, time } from "./format.js";
import { isDark } from "./history/chart.js";
import { Live } from "./live.js";
import { byId, h, showError } from "./page.js";

const KEPT = 4000;
const SHOWN_S = 3600;

const past = { at: [], backlog: [], published: [], stored: [] };
let chart = null;

start();

async function start() {
  try {
    const pipeline = await get("pipeline");
    recall(pipeline.queue_history ?? []);
    show(pipeline);
  } catch (error) {
    showError(byId("message"), error, () => location.reload());
  }
  new Live("/ws/pipeline/", { state: show });
}

function show(pipeline) {
  byId("message").replaceChildren(...pipeline.advice.map((text) => h("p", { class: "notice warn" }, text)));
  drawTotals(pipeline);
  remember(pipeline);
  drawInstances("collectors", pipeline.instances.collectors, "stored");
  drawInstances("streamers", pipeline.instances.streamers, "published");
  drawSupervisors(pipeline.instances.supervisors);
  drawDecisions(pipeline.decisions);
  if (pipeline.tasks) drawTasks(pipeline.tasks);
}

const rate = (perSecond) => (perSecond === null ? NOTHING : `${count(perSecond)}/s`);

function drawTotals(pipeline) {
  const drain = pipeline.seconds_to_drain;
  const tiles = [
    [count(pipeline.backlog), "records wait"],
    [rate(pipeline.published_per_s), "published"],
    [rate(pipeline.stored_per_s), "stored"],
    [drain === null ? NOTHING : `${count(drain)} s`, "until the queue is empty"],
    [String(pipeline.instances.collectors.length), "collectors"],
    [String(pipeline.instances.streamers.length), "streamers"],
  ];
  byId("totals").replaceChildren(...tiles.map(([text, what]) => h("div", { class: "tile" }, h("b", {}, text), h("span", {}, what))));
}

// What waited in the last hour, from before this page was opened.
function recall(history) {
  for (const look of [...history].sort((a, b) => a.at.localeCompare(b.at))) {
    past.at.push(Date.parse(look.at) / 1000);
    past.backlog.push(look.messages);
    past.published.push(null);
    past.stored.push(null);
  }
}

function remember(pipeline) {
  past.at.push(Date.now() / 1000);
  past.backlog.push(pipeline.backlog);
  past.published.push(pipeline.published_per_s);
  past.stored.push(pipeline.stored_per_s);
  for (const values of Object.values(past)) if (values.length > KEPT) values.shift();
  const data = [past.at, past.published, past.stored, past.backlog];
  if (chart) chart.setData(data);
  else chart = draw(data);
}

function draw(data) {
  const dark = isDark();
  const grid = { stroke: dark ? "#2b3743" : "#e3e8ec", width: 1 };
  const axis = { stroke: dark ? "#9fb0bf" : "#55626f", grid, ticks: grid };
  const whole = (_, value) => (value === null ? "" : count(value));
  const place = byId("rates");
  const ticks = (_, values) => values.map((value) => (value >= 10_000 ? `${value / 1000}k` : String(value)));
  const made = new uPlot({
    width: place.clientWidth, height: 220,
    series: [{}, { label: "published/s", stroke: "#0072b2", value: whole, width: 2 },
      { label: "stored/s", stroke: "#009e73", value: whole, width: 2 },
      { label: "waiting", stroke: "#d55e00", scale: "backlog", value: whole, dash: [6, 4], width: 2 }],
    axes: [axis, { ...axis, values: ticks, size: 64 }, { ...axis, scale: "backlog", side: 1, grid: { show: false }, values: ticks, size: 64 }],
    scales: { x: { range: (_, __, newest) => [newest - SHOWN_S, newest] }, y: { range: (_, __, most) => [0, Math.max(10, (most ?? 0) * 1.1)] }, backlog: { range: (_, __, most) => [0, Math.max(10, (most ?? 0) * 1.1)] } },
  }, data, place);
  new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: 220 })).observe(place);
  return made;
}

// Each instance with its share of what its role did, as a bar beside the number.
function drawInstances(role, instances, figure) {
  const whole = instances.reduce((sum, one) => sum + (one[figure] ?? 0), 0);
  byId(role).replaceChildren(...(instances.length ? instances.map((one) => {
    const share = whole ? (one[figure] ?? 0) / whole : 0;
    const bar = h("span", { class: "bar" });
    bar.style.width = `${share * 100}%`;
    return h("tr", {}, h("td", {}, one.name), h("td", { class: "number" }, one[figure] === null ? NOTHING : count(one[figure])),
      h("td", { class: "share", title: `${(share * 100).toFixed(1)} % of all` }, bar));
  }) : [h("tr", {}, h("td", { colspan: 3, class: "muted" }, "None is live."))]));
}

function drawSupervisors(supervisors) {
  byId("supervisors").replaceChildren(...(supervisors.length ? supervisors.map((one) =>
    h("tr", {}, h("td", {}, one.name), h("td", { class: "number" }, `${one.collectors} of ${one.targets.collectors}`),
      h("td", { class: "number" }, `${one.streamers} of ${one.targets.streamers}`), h("td", { class: "number" }, String(one.restarts))))
    : [h("tr", {}, h("td", { colspan: 4, class: "muted" }, "None is live: workers were started one by one."))]));
}

function drawDecisions(decisions) {
  byId("decisions").replaceChildren(...(decisions.length ? decisions.map((one) => h("li", {}, time(one.at, true), ` ${one.reason}`))
    : [h("li", { class: "muted" }, "Nothing was scaled yet.")]));
}

// `state` is running, done, failed or due; null where PostgreSQL does not answer.
function drawTasks(tasks) {
  byId("tasks").replaceChildren(...(tasks.length ? tasks.map((task) =>
    h("tr", {}, h("td", {}, task.name.replace("telemetry.", "").replaceAll("_", " ")),
      h("td", {}, h("span", { class: "badge", "data-state": task.state }, task.state)), h("td", {}, time(task.succeeded_at)), h("td", {}, task.error)))
    : [h("tr", {}, h("td", { colspan: 4, class: "muted" }, "No periodic task is known."))]));
}
