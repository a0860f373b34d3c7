// Owns what all tests share: waiting on conditions, repeatable randomness, timers that tests move.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { ResumeSocket, ResumeSocketEventMap, Timers } from '../src/index.js';

/** Longest wait for a condition, milliseconds. */
const PATIENCE_MS = 20_000;

/** Waits until the condition holds; fails with its description when it never does. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(performance.now() < end, `waited in vain until ${what}`);
    await pause(1);
  }
}

/** The next event of this type. */
export function once<K extends keyof ResumeSocketEventMap>(socket: ResumeSocket, type: K): Promise<ResumeSocketEventMap[K]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited in vain for the event ${type}`)), PATIENCE_MS);
    const listener = (event: ResumeSocketEventMap[K]): void => {
      clearTimeout(timer);
      resolve(event);
    };
    socket.addEventListener(type, listener, { once: true });
  });
}

/** Keeps all events of this type. */
export function record<K extends keyof ResumeSocketEventMap>(socket: ResumeSocket, type: K): ResumeSocketEventMap[K][] {
  const events: ResumeSocketEventMap[K][] = [];
  socket.addEventListener(type, (event: ResumeSocketEventMap[K]) => events.push(event));
  return events;
}

/** Data of all messages; binary ones as Buffers, so that they can be compared. */
export function recordData(socket: ResumeSocket): (string | Buffer)[] {
  const all: (string | Buffer)[] = [];
  socket.addEventListener('message', ({ data }) => {
    assert.ok(typeof data === 'string' || data instanceof ArrayBuffer);
    all.push(typeof data === 'string' ? data : Buffer.from(data));
  });
  return all;
}

/** Repeatable random numbers from 0 to below 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Real timers in which everything takes only so much of its time, for tests that go through many pauses. */
export function quickened(factor: number): Timers {
  return {
    now: () => performance.now() * factor,
    setTimeout: (run, ms) => setTimeout(run, ms / factor),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  };
}

/** Timers that stand still until the test moves them. */
export class ManualTimers implements Timers {
  #now = 0;
  #next = 1;
  #waiting = new Map<number, { at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, ms: number): unknown {
    const handle = this.#next++;
    this.#waiting.set(handle, { at: this.#now + ms, run });
    return handle;
  }

  clearTimeout(handle: unknown): void {
    this.#waiting.delete(handle as number);
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Lets time pass, and runs what becomes due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#waiting].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (due === undefined) break;
      this.#waiting.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].run();
    }
    this.#now = end;
  }
}
