// Rows of the API as the columns that charts want: times in Unix seconds, null where nothing was
// reported, and a null row wherever samples are missing, so that a gap is seen as one.

const GAP_FACTOR = 3;

// {times, average, least, most} of one metric; `least` and `most` are null for raw samples.
export function columns(rows, name) {
  const aggregated = rows.some((row) => row[name] !== null && typeof row[name] === "object");
  const times = [];
  const average = [];
  const least = aggregated ? [] : null;
  const most = aggregated ? [] : null;
  const put = (time, value) => {
    times.push(time);
    average.push(average_of(value));
    if (aggregated) {
      least.push(value?.min ?? null);
      most.push(value?.max ?? null);
    }
  };
  const pause = GAP_FACTOR * usualStep(rows);
  let before = null;
  for (const row of rows) {
    const time = Date.parse(row.timestamp) / 1000;
    if (before !== null && time - before > pause) put((before + time) / 2, null);
    put(time, row[name] ?? null);
    before = time;
  }
  return { times, average, least, most };
}

// A gauge's mean; of a counter, what it grew per second.
function average_of(value) {
  if (value === null || typeof value !== "object") return value;
  return value.avg ?? value.rate ?? value.last ?? null;
}

// The median distance of samples in seconds.
function usualStep(rows) {
  const steps = [];
  for (let index = 1; index < rows.length; index += 1) {
    steps.push((Date.parse(rows[index].timestamp) - Date.parse(rows[index - 1].timestamp)) / 1000);
  }
  steps.sort((a, b) => a - b);
  return steps.length ? steps[Math.floor(steps.length / 2)] : Infinity;
}

// Several columns over one common time axis: what uPlot takes.
export function aligned(list) {
  const times = [...new Set(list.flatMap((columns_) => columns_.times))].sort((a, b) => a - b);
  const place = new Map(times.map((time, index) => [time, index]));
  const spread = (columns_, values) => {
    const whole = new Array(times.length).fill(undefined);
    columns_.times.forEach((time, index) => {
      whole[place.get(time)] = values[index];
    });
    return whole;
  };
  return [times, ...list.flatMap((one) =>
    (one.most ? [one.average, one.most, one.least] : [one.average]).map((values) => spread(one, values)))];
}

export const isEmpty = (columns_) => columns_.average.every((value) => value === null);
