// The environment of this process, as long as it is a caller's.

import { AsyncLocalStorage } from "node:async_hooks";

/** What an environment gets, and without a value what must not be there. */
export type Changes = ReadonlyMap<string, string | undefined>;

/** Somebody who has the environment; those within him have it one after the other. */
interface Turn {
  readonly outer: Turn | undefined;
  last: Promise<unknown>;
  isOver: boolean;
}

const everybody: Turn = { outer: undefined, last: Promise.resolve(), isOver: false };
const turns = new AsyncLocalStorage<Turn>();

/**
 * Runs something with the environment changed, and puts back what was there. There is one environment: so who comes meanwhile, and not from
 * within, waits.
 */
export function withEnvironment<T>(changes: () => Changes, run: () => T | Promise<T>): Promise<T> {
  let outer = turns.getStore() ?? everybody;
  while (outer.isOver && outer.outer) outer = outer.outer;
  const turn: Turn = { outer, last: Promise.resolve(), isOver: false };
  const done = outer.last.then(() => turns.run(turn, () => changed(changes(), turn, run)));
  outer.last = done.catch(() => {});
  return done;
}

async function changed<T>(changes: Changes, turn: Turn, run: () => T | Promise<T>): Promise<T> {
  const before = new Map([...changes.keys()].map((name) => [name, process.env[name]]));
  apply(changes);
  try {
    return await run();
  } finally {
    // Those from within that nobody waited for put back what is here.
    for (let last: unknown; last !== turn.last; ) {
      last = turn.last;
      await last;
    }
    turn.isOver = true;
    apply(before);
  }
}

function apply(changes: Changes): void {
  for (const [name, value] of changes) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
