// The board: every host a tile, every GPU a cell, on a canvas that draws only what is in view.

import { STATES, STEPS, step } from "../colours.js";

const SIZES = { large: { cell: 20, gap: 3, label: 17, pad: 8 }, small: { cell: 11, gap: 2, label: 13, pad: 5 } };
const MANY_HOSTS = 200;
const LEAST_TILE = 104; // eight small cells
// Tiles are as wide as most hosts need; a host of more GPUs has them in several lines.
const MOST = 0.9;
const LONGEST_LINE = 16;
const LEAST_HEIGHT = 320;
const BELOW = 24;
const UNKNOWN = { sign: "" };

export class Board {
  // `place` scrolls; `canvas` sticks in it; `spacer` is as high as the tiles that it does not show.
  // `onOpen(gpu)`, `onOpenHost(host)`, `onHover(gpu or null, {x, y} in the window)`.
  constructor(place, canvas, spacer, { onOpen, onOpenHost, onHover }) {
    Object.assign(this, { place, canvas, spacer, onOpen, onOpenHost, onHover });
    this.hosts = [];
    this.metric = null;
    this.selected = null; // {host, gpu}: places in `hosts` and in its `gpus`
    this.drawnMs = 0;
    this.pending = false;
    place.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.layout()).observe(place);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => onHover(null));
    canvas.addEventListener("blur", () => onHover(null));
    canvas.addEventListener("click", (event) => this.open(this.at(event.offsetX, event.offsetY)));
    canvas.addEventListener("keydown", (event) => this.key(event));
    addEventListener("themechange", () => this.draw());
  }

  // `metric` is {name, least, most}; null colours by state.
  show(hosts, metric) {
    const chosen = this.chosen;
    this.hosts = hosts;
    this.metric = metric;
    this.selected = chosen && this.find(chosen);
    this.layout();
  }

  get chosen() {
    return this.selected && this.hosts[this.selected.host]?.gpus[this.selected.gpu];
  }

  find(gpu) {
    const host = this.hosts.findIndex((one) => one.name === gpu.hostname && one.cluster === gpu.cluster);
    const place = this.hosts[host]?.gpus.indexOf(gpu) ?? -1;
    return place < 0 ? null : { host, gpu: place };
  }

  layout() {
    const size = this.hosts.length > MANY_HOSTS ? SIZES.small : SIZES.large;
    this.size = size;
    this.width = this.place.clientWidth;
    const sizes = this.hosts.map((host) => host.gpus.length).sort((a, b) => a - b);
    const usual = sizes[Math.floor((sizes.length - 1) * MOST)] ?? 1;
    const pitch = size.cell + size.gap;
    const fitting = Math.max(1, Math.floor((this.width - size.pad * 2) / pitch));
    this.perLine = Math.min(Math.max(usual, Math.floor(LEAST_TILE / pitch)), LONGEST_LINE, fitting);
    this.tileWidth = Math.max(this.perLine * pitch, LEAST_TILE) + size.pad * 2;
    this.columns = Math.max(1, Math.floor(this.width / this.tileWidth));
    this.tops = this.topsOfRows();
    const whole = this.tops.at(-1);
    const room = Math.max(LEAST_HEIGHT, innerHeight - this.place.getBoundingClientRect().top - scrollY - BELOW);
    this.height = Math.max(1, Math.min(room, whole));
    this.place.style.visibility = this.hosts.length ? "" : "hidden";
    this.place.style.height = `${this.height + 2}px`;
    this.spacer.style.height = `${Math.max(0, whole - this.height)}px`;
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.draw();
  }

  // Where each row of tiles begins, and last where the last one ends: a row is as high as its largest host.
  topsOfRows() {
    const { cell, gap, label, pad } = this.size;
    const tops = [0];
    for (let first = 0; first < this.hosts.length; first += this.columns) {
      const largest = Math.max(...this.hosts.slice(first, first + this.columns).map((host) => host.gpus.length));
      tops.push(tops.at(-1) + label + Math.ceil(largest / this.perLine) * (cell + gap) - gap + pad * 2);
    }
    return tops;
  }

  // The row of tiles at a height of the whole board; -1 below the last.
  rowAt(height) {
    return this.tops.findIndex((top) => top > height) - 1;
  }

  // Once per frame at most, however often it is asked for.
  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      const started = performance.now();
      this.paint();
      this.drawnMs = performance.now() - started;
    });
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    const scale = devicePixelRatio || 1;
    const style = getComputedStyle(document.documentElement);
    const colours = { label: style.getPropertyValue("--muted"), ink: style.getPropertyValue("--ink"),
      empty: style.getPropertyValue("--empty"), back: style.getPropertyValue("--card") };
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = `${this.size.label - 4}px system-ui, sans-serif`;
    const top = this.place.scrollTop;
    const first = Math.max(0, this.rowAt(top)) * this.columns;
    for (let index = first; index < this.hosts.length && this.corner(index).y < this.height; index += 1) this.paintHost(pen, index, colours);
  }

  // The upper left corner of a tile's content, on the canvas.
  corner(index) {
    return { x: (index % this.columns) * this.tileWidth + this.size.pad,
      y: this.tops[Math.floor(index / this.columns)] - this.place.scrollTop + this.size.pad };
  }

  corners(index, number) {
    const { x, y } = this.corner(index);
    const pitch = this.size.cell + this.size.gap;
    return { x: x + (number % this.perLine) * pitch, y: y + this.size.label + Math.floor(number / this.perLine) * pitch };
  }

  paintHost(pen, index, colours) {
    const { cell } = this.size;
    const { x, y } = this.corner(index);
    const host = this.hosts[index];
    pen.fillStyle = colours.label;
    pen.textBaseline = "top";
    pen.textAlign = "left";
    pen.fillText(shortened(pen, host.name, this.tileWidth - this.size.pad * 2), x, y);
    host.gpus.forEach((gpu, number) => {
      const at = this.corners(index, number);
      this.paintCell(pen, gpu, at.x, at.y, cell, colours);
      if (this.selected?.host !== index || this.selected.gpu !== number) return;
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 2;
      pen.strokeRect(at.x - 1, at.y - 1, cell + 2, cell + 2);
    });
  }

  paintCell(pen, gpu, x, y, cell, colours) {
    const state = STATES[gpu.state] ?? UNKNOWN;
    const shade = this.metric && step(gpu[this.metric.name], this.metric.least, this.metric.most);
    if (this.metric) pen.fillStyle = shade === null ? colours.empty : STEPS[shade];
    else pen.fillStyle = state.colour ?? colours.empty;
    pen.fillRect(x, y, cell, cell);
    if (!state.sign) return;
    // Not seen now: whatever colour it had is crossed out by the sign of its state.
    pen.fillStyle = colours.back;
    pen.fillRect(x + 2, y + 2, cell - 4, cell - 4);
    pen.fillStyle = colours.ink;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(state.sign, x + cell / 2, y + cell / 2 + 1);
  }

  // What is at a point of the canvas: {host, gpu}; `gpu` is undefined at a host's name, both are
  // between tiles.
  at(x, y) {
    const { cell, gap, label, pad } = this.size;
    const column = Math.floor(x / this.tileWidth);
    if (column >= this.columns) return {};
    const below = y + this.place.scrollTop;
    const row = this.rowAt(below);
    const host = this.hosts[row * this.columns + column];
    const down = below - this.tops[row] - pad;
    const right = x - column * this.tileWidth - pad;
    if (!host || down < 0 || right < 0) return {};
    if (down < label) return { host };
    const place = Math.floor(right / (cell + gap));
    if (place >= this.perLine) return {};
    const gpu = host.gpus[Math.floor((down - label) / (cell + gap)) * this.perLine + place];
    return gpu ? { host, gpu } : {};
  }

  point(event) {
    const { host, gpu } = this.at(event.offsetX, event.offsetY);
    this.canvas.style.cursor = host ? "pointer" : "";
    this.canvas.title = host && !gpu ? `${host.name} (${host.cluster})` : "";
    this.onHover(gpu ?? null, { x: event.clientX, y: event.clientY });
  }

  open({ host, gpu }) {
    if (gpu) this.onOpen(gpu);
    else if (host) this.onOpenHost(host);
  }

  // Arrows choose a cell, Enter opens it, H its host, Escape chooses nothing.
  key(event) {
    const gpu = this.chosen;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && gpu) this.onOpen(gpu);
    if (event.key.toLowerCase() === "h" && gpu) this.onOpenHost(this.hosts[this.selected.host]);
    if (event.key === "Escape") this.select(null);
    if (!event.key.startsWith("Arrow") || !this.hosts.length) return;
    event.preventDefault();
    this.select(gpu ? this.moved(event.key) : { host: 0, gpu: 0 });
  }

  moved(key) {
    const { host, gpu } = this.selected;
    const last = (index) => this.hosts[index].gpus.length - 1;
    const beside = (index, place) => (this.hosts[index] ? { host: index, gpu: Math.min(place, last(index)) } : this.selected);
    switch (key) {
      case "ArrowRight":
        return gpu < last(host) ? { host, gpu: gpu + 1 } : beside(host + 1, 0);
      case "ArrowLeft":
        return gpu > 0 ? { host, gpu: gpu - 1 } : beside(host - 1, Infinity);
      case "ArrowDown":
        return gpu + this.perLine <= last(host) ? { host, gpu: gpu + this.perLine } : beside(host + this.columns, gpu % this.perLine);
      default:
        return gpu >= this.perLine ? { host, gpu: gpu - this.perLine } : beside(host - this.columns, gpu);
    }
  }

  select(place) {
    this.selected = place;
    if (place) {
      this.reveal(place.host);
      const { x, y } = this.corners(place.host, place.gpu);
      const { left, top } = this.canvas.getBoundingClientRect();
      this.onHover(this.chosen, { x: left + x + this.size.cell, y: top + y + this.size.cell });
    } else this.onHover(null);
    this.draw();
  }

  reveal(index) {
    const row = Math.floor(index / this.columns);
    if (this.tops[row] < this.place.scrollTop) this.place.scrollTop = this.tops[row];
    const bottom = this.tops[row + 1] - this.height;
    if (bottom > this.place.scrollTop) this.place.scrollTop = bottom;
  }
}

// A text that fits, with its end cut off if need be: names differ at their end less than they agree, but
// are squeezed beyond reading otherwise; the whole one is under the pointer.
function shortened(pen, text, width) {
  const whole = pen.measureText(text).width;
  if (whole <= width) return text;
  return `${text.slice(0, Math.max(1, Math.floor((text.length * width) / whole) - 2))}…`;
}
