// The environment of this process, as long as it is a caller's.

import { AsyncLocalStorage } from "node:async_hooks";
import { XacctSignError } from "./errors.js";

/** What an environment gets, and without a value what must not be there. */
export type Changes = ReadonlyMap<string, string | undefined>;

/** Somebody who has the environment. */
interface Block {
  /** The emulator that it is of. */
  readonly of: object;
  readonly caller: string;
  /** The one within which it began. */
  readonly outer: Block | undefined;
  /** What is to be put back. */
  readonly before: Map<string, string | undefined>;
}

/** Those that have not ended, in the order in which they began. */
const open: Block[] = [];
const blocks = new AsyncLocalStorage<Block>();

/**
 * Runs something with the environment changed, and puts back what was there. There is one environment: who comes meanwhile, and not from
 * within, would change it under somebody's feet.
 *
 * @throws XacctSignError `as_caller_overlaps`
 */
export async function withEnvironment<T>(
  of: object,
  caller: string,
  changes: () => Changes,
  run: () => T | Promise<T>,
): Promise<T> {
  const last = open.at(-1);
  const outer = blocks.getStore();
  if (last !== undefined && !isWithin(outer, last)) {
    throw overlaps(`another \`asCaller\`, that of \`${last.caller}\`, has begun, and has not ended`);
  }
  const changed = changes();
  const before = new Map([...changed.keys()].map((name) => [name, process.env[name]]));
  const block: Block = { of, caller, outer, before };
  open.push(block);
  apply(changed);
  let isOverlapped = false;
  let result: T;
  try {
    result = await blocks.run(block, run);
  } finally {
    isOverlapped = end(block);
  }
  if (isOverlapped) throw overlaps(`another \`asCaller\` began within that of \`${caller}\`, and has not ended`);
  return result;
}

/** An emulator is closed. Those of it that have not ended end now, which is told: what still runs there stops nobody any more. */
export function endAll(of: object): void {
  const closing = blocks.getStore();
  for (const block of open.filter((block) => block.of === of).reverse()) {
    // Who closes it from within need not be told to wait for that.
    if (!isWithin(closing, block)) tellOf(block, "when its emulator was closed, and was ended there");
    end(block);
  }
}

/** The tests that run. */
const running = new Set<object>();
/** Those that were open when no test ran yet. */
let earlier: readonly Block[] = [];
/** Those that tests left open which are over. */
let left: readonly Block[] = [];

/**
 * A test begins. What one that is over has left open, as where its time was over, would stop it: that ends now, and is told. Of those of
 * which nobody was told that they are over, `isOver` says it.
 */
export function testBegins(test: object, isOver: (other: object) => boolean): void {
  for (const other of [...running].filter(isOver)) testEnds(other);
  // Of tests that run beside each other nobody knows whose is whose.
  const isBeside = running.size > 0;
  running.add(test);
  if (isBeside) return;
  for (const block of left.filter((block) => open.includes(block)).reverse()) {
    tellOf(block, "when its test was over, and was ended before the next one");
    end(block);
  }
  earlier = [...open];
}

/** A test is over. It may be told more than once, and of a test that never began, as where another hook stopped it. */
export function testEnds(test: object): void {
  if (!running.delete(test)) return;
  left = running.size > 0 ? [] : open.filter((block) => !earlier.includes(block));
}

/** Tells of one that is ended from outside. */
function tellOf({ caller }: Block, when: string): void {
  const message = `the \`asCaller\` of \`${caller}\` had not ended ${when}: await it`;
  process.emitWarning(message, { type: "XacctSignWarning", code: "as_caller_overlaps" });
}

/** Puts back what was there; where another has begun within, leaves that to it, and says so. */
function end(block: Block): boolean {
  const index = open.indexOf(block);
  if (index < 0) return false;
  open.splice(index, 1);
  const later = open[index];
  if (later === undefined) {
    apply(block.before);
    return false;
  }
  for (const [name, value] of block.before) later.before.set(name, value);
  return true;
}

function isWithin(inner: Block | undefined, outer: Block): boolean {
  for (let block = inner; block !== undefined; block = block.outer) if (block === outer) return true;
  return false;
}

function apply(changes: Changes): void {
  for (const [name, value] of changes) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

function overlaps(message: string): XacctSignError {
  return new XacctSignError("as_caller_overlaps", message, {
    hint: "await one before the next begins, or run each in a process of its own: there is one environment in a process",
  });
}
