// Owns the pings of one connection: when to send them, how long they take, and when silence means that it is dead.

import { PING_EVERY_MS, SILENCE_MS } from './limits.js';
import { Timer, type Timers } from './timers.js';

export class Heartbeat {
  readonly #timers: Timers;
  readonly #ping: (id: number) => void;
  readonly #dead: () => void;
  readonly #nextPing: Timer;
  readonly #silence: Timer;
  #id = 0;
  #sentAt = 0;
  #heardAt = 0;
  #roundTripMs: number | undefined;

  constructor(timers: Timers, ping: (id: number) => void, dead: () => void) {
    this.#timers = timers;
    this.#ping = ping;
    this.#dead = dead;
    this.#nextPing = new Timer(timers);
    this.#silence = new Timer(timers);
  }

  /** Milliseconds between the last answered ping and its pong. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** The connection is ready. The first ping goes out at once, so that the round trip is known early. */
  start(): void {
    this.heard();
    this.#sendPing();
  }

  /** Something came. */
  heard(): void {
    this.#heardAt = this.#timers.now();
    this.#silence.clear();
  }

  pong(id: unknown): void {
    if (id === this.#id) this.#roundTripMs = this.#timers.now() - this.#sentAt;
  }

  stop(): void {
    this.#nextPing.clear();
    this.#silence.clear();
  }

  #sendPing(): void {
    const now = this.#timers.now();
    this.#id += 1;
    this.#sentAt = now;
    this.#nextPing.start(PING_EVERY_MS, () => this.#sendPing());
    if (!this.#silence.isSet) this.#silence.start(this.#patience(now), () => this.#dead());
    this.#ping(this.#id);
  }

  /**
   * Silence counts only while a ping is unanswered, and that for at least one ping less than SILENCE_MS: a page in the
   * background, or a machine that slept, may have asked nothing for minutes while the connection is well.
   */
  #patience(now: number): number {
    return Math.max(SILENCE_MS - (now - this.#heardAt), SILENCE_MS - PING_EVERY_MS);
  }
}
