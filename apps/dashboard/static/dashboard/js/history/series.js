// Rows of the API as the columns that charts want: times in Unix seconds, null where nothing was
// reported, and a null row wherever samples are missing, so that a gap is seen as one.

const GAP_FACTOR = 3;

// The times of rows in Unix seconds, and the pause after which there is a gap.
export function clockOf(rows) {
  const times = rows.map((row) => Date.parse(row.timestamp) / 1000);
  const steps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  return { times, pause: steps.length ? GAP_FACTOR * steps[Math.floor(steps.length / 2)] : Infinity };
}

// {times, average, least, most} of one metric; `least` and `most` are null for raw samples.
export function columns(rows, clock, name) {
  const aggregated = rows.some((row) => row[name] !== null && typeof row[name] === "object");
  const times = [];
  const average = [];
  const least = aggregated ? [] : null;
  const most = aggregated ? [] : null;
  const put = (time, value) => {
    times.push(time);
    average.push(averageOf(value));
    if (aggregated) {
      least.push(value?.min ?? null);
      most.push(value?.max ?? null);
    }
  };
  let before = null;
  rows.forEach((row, index) => {
    const time = clock.times[index];
    if (before !== null && time - before > clock.pause) put((before + time) / 2, null);
    put(time, row[name] ?? null);
    before = time;
  });
  return { times, average, least, most };
}

// A gauge's mean; of a counter, what it grew per second.
function averageOf(value) {
  if (value === null || typeof value !== "object") return value;
  return value.avg ?? value.rate ?? value.last ?? null;
}

// Several columns over one common time axis: what uPlot takes.
export function aligned(list) {
  const times = [...new Set(list.flatMap((one) => one.times))].sort((a, b) => a - b);
  const place = new Map(times.map((time, index) => [time, index]));
  const spread = (one, values) => {
    const whole = new Array(times.length).fill(undefined);
    one.times.forEach((time, index) => {
      whole[place.get(time)] = values[index];
    });
    return whole;
  };
  return [times, ...list.flatMap((one) =>
    (one.most ? [one.average, one.most, one.least] : [one.average]).map((values) => spread(one, values)))];
}

export const isEmpty = (one) => one.average.every((value) => value === null);
