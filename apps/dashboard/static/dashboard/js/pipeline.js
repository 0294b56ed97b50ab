// The pipeline page: what waits, how fast it moves, who works on it, and what was decided.

import uPlot from "/static/vendor/uplot/uPlot.esm.js";

import { get } from "./api.js";
import { count, NOTHING, time } from "./format.js";
import { chartStyle } from "./colours.js";
import { Live } from "./live.js";
import { badge, begin, byId, failPage, h, morph, showTiles } from "./page.js";
import { ledger } from "./pipeline/ledger.js";

const KEPT = 4000;
const HEIGHT = 220;
const COMMANDS = { collectors: "manage.py runcollector", streamers: "manage.py runstreamer --path metrics.csv" };
const MANY_LETTERS = 10_000; // the API counts no further
const SHOWN_S = 3600;
// What PostgreSQL remembers is no part of the live stream.
const REMEMBERED_MS = 30_000;

const past = { at: [], published: [], stored: [], backlog: [] };
const remembered = { tasks: null, dead_letters: null, oldest_age_s: null, uploads: [] };
let chart = null;

start();

async function start() {
  try {
    const pipeline = await readRemembered();
    begin();
    recall(pipeline.queue_history ?? []);
    show(pipeline);
  } catch (error) {
    failPage(error);
    return;
  }
  addEventListener("themechange", () => {
    chart?.destroy();
    chart = draw(columns());
  });
  new ResizeObserver(() => chart?.setSize({ width: byId("rates").clientWidth, height: HEIGHT })).observe(byId("rates"));
  new Live("/ws/pipeline/", { state: show });
  setInterval(() => document.hidden || readRemembered().catch(() => null), REMEMBERED_MS);
}

// Of what it cannot tell now, the last that was told stays; the light in the head says that it is away.
async function readRemembered() {
  const [pipeline, uploads] = await Promise.all([get("pipeline"), get("csv/uploads", { limit: 100 }).catch(() => null)]);
  const { tasks, dead_letters, queue_history } = pipeline;
  Object.assign(remembered, { tasks, dead_letters, oldest_age_s: queue_history?.at(-1)?.oldest_age_s ?? null });
  if (uploads) remembered.uploads = uploads.results;
  if (tasks) drawTasks(tasks);
  return pipeline;
}

function show(pipeline) {
  morph(byId("message"), ...pipeline.advice.map((text) => h("p", { class: "notice warn" }, text)));
  drawTotals(pipeline);
  remember(pipeline);
  drawLedger(ledger(pipeline, remembered));
  drawInstances("collectors", pipeline.instances.collectors, "stored");
  drawInstances("streamers", pipeline.instances.streamers, "published");
  drawSupervisors(pipeline.instances.supervisors);
  drawDecisions(pipeline.decisions);
}

const rate = (perSecond) => (perSecond === null ? NOTHING : `${count(perSecond)}/s`);

function drawTotals(pipeline) {
  const drain = pipeline.seconds_to_drain;
  const { oldest_age_s: oldest, dead_letters: letters } = remembered;
  showTiles(byId("totals"), [
    [count(pipeline.backlog), "records wait", "Messages in etcd that no collector has stored and acknowledged yet."],
    [pipeline.backlog === 0 ? "0 s" : oldest === null ? NOTHING : `${count(oldest)} s`, "lag",
      "How long the first message in the queue had waited when it was last looked at, twice a minute."],
    [rate(pipeline.published_per_s), "published", "Records per second that etcd acknowledged to the streamers at work."],
    [rate(pipeline.stored_per_s), "stored", "Records per second that the collectors at work committed to PostgreSQL."],
    [drain === null ? NOTHING : `${count(drain)} s`, "until the queue is empty", "What waits, at these rates; nothing while it does not get less."],
    [letters === null ? NOTHING : letters >= MANY_LETTERS ? `${count(MANY_LETTERS)} or more` : count(letters), "dead letters",
      "Messages that are no records or cannot be stored; the admin shows why, and publishes them again."],
  ]);
}

function drawLedger(rows) {
  const cell = (figure) => h("td", { class: "number" }, figure === null ? NOTHING : count(figure));
  morph(byId("ledger"), ...rows.flatMap((row) => [
    h("tr", {}, h("th", { scope: "row" }, row.name), cell(row.published), cell(row.waiting), cell(row.stored),
      h("td", { class: "number" }, row.difference === null ? NOTHING : row.difference === 0 ? "0, all accounted for" : count(row.difference))),
    h("tr", { class: "why" }, h("td", { class: "muted", colspan: 5 }, row.why))]));
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
  if (chart) chart.setData(columns());
  else chart = draw(columns());
}

const columns = () => [past.at, past.published, past.stored, past.backlog];

function draw(data) {
  const { lines, axis } = chartStyle();
  const whole = (_, value) => (value === null ? "" : count(value));
  const place = byId("rates");
  const ticks = (_, values) => values.map((value) => (value >= 10_000 ? `${value / 1000}k` : String(value)));
  const range = (_, __, most) => [0, Math.max(10, (most ?? 0) * 1.1)];
  return new uPlot({
    width: place.clientWidth, height: HEIGHT,
    series: [{}, { label: "published/s", stroke: lines[0], value: whole, width: 2 },
      { label: "stored/s", stroke: lines[2], value: whole, width: 2 },
      { label: "waiting", stroke: lines[1], scale: "backlog", value: whole, dash: [6, 4], width: 2 }],
    axes: [axis, { ...axis, values: ticks, size: 64 }, { ...axis, scale: "backlog", side: 1, grid: { show: false }, values: ticks, size: 64 }],
    scales: { x: { range: (_, __, newest) => [newest - SHOWN_S, newest] }, y: { range }, backlog: { range } },
  }, data, place);
}

// Each instance with its share of what its role did, as a bar beside the number.
function drawInstances(role, instances, figure) {
  const whole = instances.reduce((sum, one) => sum + (one[figure] ?? 0), 0);
  morph(byId(role), ...(instances.length ? instances.map((one) => {
    const share = whole ? (one[figure] ?? 0) / whole : 0;
    const bar = h("span", { class: "bar" });
    bar.style.width = `${share * 100}%`;
    return h("tr", {}, h("td", {}, one.name), h("td", { class: "number" }, one[figure] === null ? NOTHING : count(one[figure])),
      h("td", { class: "share", title: `${(share * 100).toFixed(1)} % of all` }, bar));
  }) : [h("tr", {}, h("td", { colspan: 3, class: "muted" }, "None is live. To start one: ", h("code", {}, COMMANDS[role])))]));
}

function drawSupervisors(supervisors) {
  morph(byId("supervisors"), ...(supervisors.length ? supervisors.map((one) =>
    h("tr", {}, h("td", {}, one.name), h("td", { class: "number" }, `${one.collectors} of ${one.targets.collectors}`),
      h("td", { class: "number" }, `${one.streamers} of ${one.targets.streamers}`), h("td", { class: "number" }, String(one.restarts))))
    : [h("tr", {}, h("td", { colspan: 4, class: "muted" }, "None is live: workers were started one by one."))]));
}

function drawDecisions(decisions) {
  morph(byId("decisions"), ...(decisions.length ? decisions.map((one) => h("li", {}, time(one.at, true), ` ${one.reason}`))
    : [h("li", { class: "muted" }, "Nothing was scaled yet.")]));
}

function drawTasks(tasks) {
  morph(byId("tasks"), ...(tasks.length ? tasks.map((task) =>
    h("tr", {}, h("td", {}, task.name.replace("telemetry.", "").replaceAll("_", " ")),
      h("td", {}, badge(task.state)), h("td", {}, time(task.succeeded_at)), h("td", { class: "name" }, task.failed_at === null || task.state === "done" ? "" : task.error)))
    : [h("tr", {}, h("td", { colspan: 4, class: "muted" }, "No periodic task is known."))]));
}
