// Owns the clock and the timers that everything here uses, so that tests can bring their own.

export interface Timers {
  /** Milliseconds since any fixed moment. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as number),
};

/** One timer at a time: setting it again, or clearing it, takes back what was set before. */
export class Timer {
  readonly #timers: Timers;
  #handle: unknown;
  #set = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get isSet(): boolean {
    return this.#set;
  }

  start(ms: number, run: () => void): void {
    this.clear();
    this.#set = true;
    this.#handle = this.#timers.setTimeout(() => {
      this.#set = false;
      run();
    }, ms);
  }

  clear(): void {
    if (!this.#set) return;
    this.#set = false;
    this.#timers.clearTimeout(this.#handle);
  }
}
