// Contenders that take turns.

/** Each contender's median batch, in seconds a call; a batch takes about as long for each. */
export async function inTurns(contenders, { seconds, rounds }) {
  const timed = async (call, batch) => {
    const start = process.hrtime.bigint();
    for (let count = 0; count < batch; count++) {
      const made = call();
      if (typeof made.then === "function") await made;
    }
    return Number(process.hrtime.bigint() - start) / 1e9;
  };
  const batches = {};
  for (const [name, call] of Object.entries(contenders)) {
    await timed(call, 2_000);
    batches[name] = Math.max(4, Math.round((seconds * 500) / (await timed(call, 500))));
  }
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(contenders)) {
      times[name].push((await timed(call, batches[name])) / batches[name]);
    }
  }
  return medians(times);
}

/** The middle of each list. */
export function medians(times) {
  const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, middle(list)]));
}
