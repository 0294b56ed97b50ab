// The live stream: one socket per page, a subscription that survives a lost connection, and a light in
// the page's head that says whether what is shown is live.

import { byId } from "./page.js";

const RETRY_MS = [250, 500, 1000, 2000, 5000];
// A connection can die unseen, as when a laptop sleeps: somebody must say something now and then.
const PING_MS = 15_000;
const SILENCE_MS = 25_000;
// What does not get better by trying again soon: not signed in, or not allowed.
const REFUSED = new Set([4001, 4003]);

// `handlers`: rows(rows, kind) with the newest values, `kind` is snapshot or update; or state(state) of
// the pipeline.
export class Live {
  constructor(path, handlers) {
    this.path = path;
    this.handlers = handlers;
    this.request = null;
    this.asked = 0;
    this.cursor = null;
    this.tries = 0;
    this.heardAt = 0;
    say("lost", "Connecting");
    this.open();
    this.pulse = setInterval(() => this.ping(), PING_MS);
  }

  // Ask for something else from now on; `request` is the subscribe message without its type.
  subscribe(request) {
    if (this.request && this.isOpen) this.send({ type: "unsubscribe", id: this.id });
    this.request = request;
    this.asked += 1; // what still comes of the last one is not ours any more
    this.cursor = null;
    this.ask();
  }

  // Listen no longer.
  close() {
    clearInterval(this.pulse);
    clearTimeout(this.retry);
    this.closed = true;
    this.socket.close();
    say("idle", "");
  }

  get id() {
    return `page-${this.asked}`;
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  ask() {
    if (!this.request || !this.isOpen) return;
    const resume = this.cursor ? { cursor: this.cursor } : {};
    this.send({ type: "subscribe", id: this.id, ...this.request, ...resume });
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.addEventListener("open", () => this.ask());
    socket.addEventListener("message", (event) => socket === this.socket && this.take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => socket === this.socket && this.lost(event));
  }

  ping() {
    if (performance.now() - this.heardAt > SILENCE_MS && this.socket.readyState !== WebSocket.CLOSED) {
      const dead = this.socket;
      this.lost({ reason: "nothing is heard of the gateway" });
      dead.close();
    } else if (this.isOpen) this.send({ type: "ping" });
  }

  lost({ code, reason }) {
    if (this.closed) return;
    const tries = REFUSED.has(code) ? RETRY_MS.length : this.tries;
    this.tries += 1;
    say("lost", `Not live: ${reason || "the gateway cannot be reached"}`);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
  }

  take(message) {
    this.heardAt = performance.now();
    if (this.closed || (message.id && message.id !== this.id)) return;
    if (message.cursor) this.cursor = message.cursor;
    switch (message.type) {
      case "snapshot":
      case "update":
        this.alive();
        this.handlers.rows(message.results, message.type);
        break;
      case "pipeline":
        this.alive();
        this.handlers.state(message.pipeline);
        break;
      case "error":
        say("lost", `Not live: ${message.detail}`);
        break;
      default:
    }
  }

  alive() {
    this.tries = 0;
    say("live", "Live");
  }
}

// The light: `state` is live, lost, past or idle.
export function say(state, text) {
  const light = byId("connection");
  if (light.dataset.state === state && light.textContent === text) return;
  light.dataset.state = state;
  light.textContent = text;
}
