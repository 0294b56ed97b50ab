// The live stream: one socket per page, subscriptions that survive a lost connection, and a light in
// the page's head that says whether what is shown is live.

import { byId } from "./page.js";

const RETRY_MS = [250, 500, 1000, 2000, 5000];

// `handlers`: rows(rows) with the newest values, or state(state) of the pipeline.
export class Live {
  constructor(path, handlers) {
    this.path = path;
    this.handlers = handlers;
    this.request = null;
    this.cursor = null;
    this.tries = 0;
    this.said("lost", "Connecting");
    this.open();
  }

  // Ask for something else from now on; `request` is the subscribe message without its type.
  subscribe(request) {
    if (this.request && this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type: "unsubscribe", id: "page" }));
    }
    this.request = request;
    this.cursor = null;
    this.ask();
  }

  ask() {
    if (!this.request || this.socket.readyState !== WebSocket.OPEN) return;
    const resume = this.cursor ? { cursor: this.cursor } : {};
    this.socket.send(JSON.stringify({ type: "subscribe", id: "page", ...this.request, ...resume }));
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    this.socket.addEventListener("open", () => {
      this.tries = 0;
      this.ask();
    });
    this.socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => this.lost(event));
  }

  lost(event) {
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    this.said("lost", event.reason ? `Not live: ${event.reason}` : "Not live: the gateway cannot be reached");
    setTimeout(() => this.open(), wait);
  }

  take(message) {
    if (message.cursor) this.cursor = message.cursor;
    switch (message.type) {
      case "snapshot":
      case "update":
        this.said("live", "Live");
        this.handlers.rows(message.results);
        break;
      case "pipeline":
        this.said("live", "Live");
        this.handlers.state(message.pipeline);
        break;
      case "error":
        this.said("lost", `Not live: ${message.detail}`);
        break;
      default:
    }
  }

  said(state, text) {
    const light = byId("connection");
    if (light.dataset.state === state && light.textContent === text) return;
    light.dataset.state = state;
    light.textContent = text;
  }
}
