// Owns the pauses between attempts to connect: none first, then doubling ones of which half is random.

import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from './limits.js';

export class Backoff {
  readonly #random: () => number;
  #attempts = 0;
  #pause = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Milliseconds until the next attempt. One that may not be at once gets a pause even if it is the first. */
  next(mayBeAtOnce: boolean): number {
    this.#attempts += 1;
    if (this.#pause === 0) {
      this.#pause = FIRST_PAUSE_MS;
      if (mayBeAtOnce) return 0;
    }
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    return pause / 2 + this.#random() * (pause / 2);
  }

  /** The sidecar said when to come back. If that attempt fails too, pauses follow. */
  asked(ms: number): number {
    this.#attempts += 1;
    this.#pause ||= FIRST_PAUSE_MS;
    return ms;
  }

  reset(): void {
    this.#attempts = 0;
    this.#pause = 0;
  }
}
