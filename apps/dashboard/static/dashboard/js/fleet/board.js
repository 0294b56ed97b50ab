// The board: every host a tile, every GPU a cell, on a canvas that draws only what is in view.

import { STATES, STEPS, step } from "../colours.js";

const SIZES = { large: { cell: 20, gap: 3, label: 17, pad: 8 }, small: { cell: 11, gap: 2, label: 13, pad: 5 } };
const MANY_HOSTS = 200;
const LEAST_HEIGHT = 320;
const BELOW = 24;

export class Board {
  // `place` scrolls; `canvas` sticks in it; `spacer` is as high as all tiles.
  constructor(place, canvas, spacer, { onOpen, onHover }) {
    Object.assign(this, { place, canvas, spacer, onOpen, onHover });
    this.hosts = [];
    this.metric = null;
    this.selected = null;
    this.drawn = 0;
    this.pending = false;
    place.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.layout()).observe(place);
    canvas.addEventListener("pointermove", (event) => onHover(this.at(event.offsetX, event.offsetY), event));
    canvas.addEventListener("pointerleave", () => onHover(null));
    canvas.addEventListener("click", (event) => {
      const found = this.at(event.offsetX, event.offsetY);
      if (found) onOpen(found);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    addEventListener("themechange", () => this.draw());
  }

  // `metric` is {name, least, most}; null colours by state.
  show(hosts, metric) {
    this.hosts = hosts;
    this.metric = metric;
    this.layout();
  }

  layout() {
    const size = this.hosts.length > MANY_HOSTS ? SIZES.small : SIZES.large;
    const widest = Math.max(1, ...this.hosts.map((host) => host.gpus.length));
    this.size = size;
    this.tileWidth = Math.max(widest * (size.cell + size.gap), 96) + size.pad * 2;
    this.tileHeight = size.label + size.cell + size.pad * 2;
    this.width = this.place.clientWidth;
    this.columns = Math.max(1, Math.floor(this.width / this.tileWidth));
    const rows = Math.ceil(this.hosts.length / this.columns);
    const room = Math.max(LEAST_HEIGHT, innerHeight - this.place.getBoundingClientRect().top - scrollY - BELOW);
    this.height = Math.max(1, Math.min(room, rows * this.tileHeight));
    this.place.style.height = `${this.height + 2}px`;
    this.spacer.style.height = `${Math.max(0, rows * this.tileHeight - this.height)}px`;
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.draw();
  }

  // Once per frame at most, however often it is asked for.
  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      const started = performance.now();
      this.paint();
      this.drawn = performance.now() - started;
    });
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    const scale = devicePixelRatio || 1;
    const style = getComputedStyle(document.documentElement);
    const colours = { ink: style.getPropertyValue("--muted"), empty: style.getPropertyValue("--empty"),
      accent: style.getPropertyValue("--accent"), back: style.getPropertyValue("--card") };
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = `${this.size.label - 4}px system-ui, sans-serif`;
    const top = this.place.scrollTop;
    const first = Math.floor(top / this.tileHeight) * this.columns;
    const last = Math.min(this.hosts.length, (Math.ceil((top + this.height) / this.tileHeight) + 1) * this.columns);
    for (let index = first; index < last; index += 1) this.paintHost(pen, index, top, colours);
  }

  paintHost(pen, index, top, colours) {
    const { cell, gap, label, pad } = this.size;
    const x = (index % this.columns) * this.tileWidth + pad;
    const y = Math.floor(index / this.columns) * this.tileHeight - top + pad;
    const host = this.hosts[index];
    pen.fillStyle = colours.ink;
    pen.textBaseline = "top";
    pen.textAlign = "left";
    pen.fillText(host.name, x, y, this.tileWidth - pad * 2);
    host.gpus.forEach((gpu, number) => {
      const left = x + number * (cell + gap);
      this.paintCell(pen, gpu, left, y + label, cell, colours);
      if (this.selected === gpu.uuid) {
        pen.strokeStyle = colours.accent;
        pen.lineWidth = 2;
        pen.strokeRect(left - 1, y + label - 1, cell + 2, cell + 2);
      }
    });
  }

  paintCell(pen, gpu, x, y, cell, colours) {
    const state = STATES[gpu.state] ?? STATES.never_seen;
    const shade = this.metric && step(gpu[this.metric.name], this.metric.least, this.metric.most);
    if (this.metric) pen.fillStyle = shade === null ? colours.empty : STEPS[shade];
    else pen.fillStyle = state.colour;
    pen.fillRect(x, y, cell, cell);
    if (!state.sign) return;
    // Not seen now: whatever colour it had is crossed out by the sign of its state.
    pen.fillStyle = colours.back;
    pen.fillRect(x + 2, y + 2, cell - 4, cell - 4);
    pen.fillStyle = state.colour;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(state.sign, x + cell / 2, y + cell / 2 + 1);
  }

  // The GPU at a point of the canvas, or null.
  at(x, y) {
    const { cell, gap, label, pad } = this.size;
    const column = Math.floor(x / this.tileWidth);
    if (column >= this.columns) return null;
    const below = y + this.place.scrollTop;
    const host = this.hosts[Math.floor(below / this.tileHeight) * this.columns + column];
    const inTile = (below % this.tileHeight) - pad;
    if (!host || inTile < label || inTile > label + cell) return null;
    return host.gpus[Math.floor((x - column * this.tileWidth - pad) / (cell + gap))] ?? null;
  }

  // Arrows choose a cell, Enter opens it.
  key(event) {
    const all = this.hosts.flatMap((host) => host.gpus);
    const now = all.findIndex((gpu) => gpu.uuid === this.selected);
    const perRow = this.columns * (this.hosts[0]?.gpus.length ?? 1);
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow, ArrowUp: -perRow };
    if (event.key === "Enter" && now >= 0) this.onOpen(all[now]);
    if (!(event.key in moves) || !all.length) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, now + moves[event.key]))];
    this.selected = next.uuid;
    this.reveal(next);
    this.onHover(next);
    this.draw();
  }

  reveal(gpu) {
    const index = this.hosts.findIndex((host) => host.gpus.includes(gpu));
    const top = Math.floor(index / this.columns) * this.tileHeight;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    const bottom = top + this.tileHeight - this.height;
    if (bottom > this.place.scrollTop) this.place.scrollTop = bottom;
  }
}
