// The window of time that a page of charts shows: one of the usual lengths up to now, or a fixed one.

export const LENGTHS = { "15m": 15 * 60, "1h": 3600, "6h": 6 * 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400, "90d": 90 * 86_400 };

// {start, end} in Unix seconds; `live` where the window moves with the time.
export function windowOf(state, now = Date.now() / 1000) {
  const start = Date.parse(state.start) / 1000;
  const end = Date.parse(state.end) / 1000;
  if (start && end && end > start) return { start, end, live: false };
  return { start: now - LENGTHS[state.range], end: now, live: true };
}

export const iso = (seconds) => new Date(seconds * 1000).toISOString();

// Moved by a share of its length, -0.5 is half of it back, and as many times as long around its middle; no
// further than now.
export function moved(shown, share, times = 1, now = Date.now() / 1000) {
  const length = (shown.end - shown.start) * times;
  const middle = (shown.start + shown.end) / 2 + (shown.end - shown.start) * share;
  const end = Math.min(now, middle + length / 2);
  return { start: iso(end - length), end: iso(end) };
}
