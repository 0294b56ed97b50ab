// What the pages of charts share: a window of time in the address, its rows, and charts that are read anew
// while they are of now.

import { byId, readState, showEmpty, writeState } from "../page.js";
import { Charts } from "./board.js";
import { bindRanges, readRows, showRanges } from "./controls.js";
import { iso, LENGTHS, windowOf } from "./range.js";

const READ_MS = 15_000;
const STATE_MS = 10_000;

export class History {
  // `defaults`: what the address may say beside the window. `linesOf()`: the GPUs that are drawn,
  // [{uuid, label, lastSeen}]; `onShow(shown)`: the window is another now.
  constructor(defaults, { linesOf, onShow = () => null }) {
    Object.assign(this, { linesOf, onShow, metrics: [], reading: null, drawn: null });
    this.defaults = { range: "1h", start: "", end: "", ...defaults };
    this.state = readState(this.defaults);
    if (!Object.hasOwn(LENGTHS, this.state.range)) this.state.range = this.defaults.range;
    this.charts = new Charts(byId("charts"), (start, end) => this.choose({ start: iso(start), end: iso(end) }));
  }

  get shown() {
    return windowOf(this.state);
  }

  // The window, for links to other pages of charts.
  get query() {
    const { range, start, end } = this.state;
    return new URLSearchParams(this.shown.live ? { range } : { start, end }).toString();
  }

  // Once it is known what to draw; `readStates()` asks again who reports, which silence changes too.
  begin(metrics, readStates) {
    this.metrics = metrics;
    bindRanges((changes) => this.choose(changes), () => this.shown);
    setInterval(() => this.shown.live && !document.hidden && this.read(), READ_MS);
    // While it fails, the light in the head says that the gateway is away.
    setInterval(() => document.hidden || readStates().catch(() => null), STATE_MS);
    return this.read();
  }

  choose(changes) {
    Object.assign(this.state, changes);
    writeState(this.state, this.defaults);
    this.read();
  }

  async read() {
    this.reading?.abort();
    this.reading = new AbortController();
    const { shown } = this;
    const wanted = this.linesOf();
    showRanges(this.state, shown);
    this.onShow(shown);
    if (!this.drawn) showEmpty(byId("charts"), "Reading the samples");
    try {
      const pages = await Promise.all(wanted.map((one) => readRows(one.uuid, shown, this.reading.signal)));
      this.drawn = { shown, lines: wanted.map((one, number) => ({ ...one, ...pages[number], rows: pages[number].results })) };
      this.draw(shown);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.drawn = null;
      this.charts.fail(error, () => this.read());
    }
  }

  // The tail: what was just stored, until the window is read again.
  append(row) {
    const own = this.drawn?.lines.find((line) => line.uuid === row.uuid);
    if (!own || !this.drawn.shown.live || own.resolution !== "raw" || row.timestamp <= (own.rows.at(-1)?.timestamp ?? "")) return;
    own.rows.push(row);
    this.draw(this.shown);
  }

  draw(shown) {
    const { lines } = this.drawn;
    this.charts.show(this.metrics, lines, shown, lines.map((line) => line.lastSeen).filter(Boolean).sort().at(-1));
  }
}
