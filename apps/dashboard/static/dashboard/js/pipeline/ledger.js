// The books of the pipeline: what was published is stored, waits, or is a dead letter.

// [{name, why, published, waiting, stored, difference}]; null is what is not known.
export function ledger(pipeline, { uploads }) {
  return [atWork(pipeline), ...(uploads.length ? [files(uploads)] : [])];
}

function atWork({ instances: { streamers, collectors }, backlog }) {
  const published = total(streamers, "published");
  const stored = total(collectors, "stored");
  return {
    name: "Those at work",
    why: `Since each started: what etcd acknowledged to ${streamers.length} streamer(s), and what ${collectors.length} collector(s)`
      + " committed. Whoever ended took its figures along and other programs tell none, so this balances only while all"
      + " began together; figures are up to a few seconds old.",
    published, waiting: backlog, stored, difference: published - stored - backlog,
  };
}

function files(uploads) {
  const published = total(uploads, "records_published");
  const stored = total(uploads, "records_stored");
  return {
    name: "Uploaded files",
    why: `The newest ${uploads.length}: what was published of them, and what of that is known to be stored, or a dead letter,`
      + " since the queue was seen to hold nothing of the file any more. The difference is on its way.",
    published, waiting: null, stored, difference: published - stored,
  };
}

const total = (list, figure) => list.reduce((sum, one) => sum + (one[figure] ?? 0), 0);
