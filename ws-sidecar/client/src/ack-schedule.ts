// Owns when to acknowledge what arrived on one connection: after so many envelopes, so many bytes, or so long.

import { ACK_BYTES, ACK_ENVELOPES, ACK_WAIT_MS } from './limits.js';
import { Timer, type Timers } from './timers.js';

export class AckSchedule {
  readonly #acknowledge: () => void;
  readonly #timer: Timer;
  #envelopes = 0;
  #bytes = 0;

  constructor(timers: Timers, acknowledge: () => void) {
    this.#timer = new Timer(timers);
    this.#acknowledge = acknowledge;
  }

  /** A new envelope of so many bytes arrived. */
  arrived(bytes: number): void {
    this.#envelopes += 1;
    this.#bytes += bytes;
    if (this.#envelopes >= ACK_ENVELOPES || this.#bytes >= ACK_BYTES) this.#due();
    else if (!this.#timer.isSet) this.#timer.start(ACK_WAIT_MS, () => this.#due());
  }

  stop(): void {
    this.#timer.clear();
  }

  #due(): void {
    this.#timer.clear();
    this.#envelopes = 0;
    this.#bytes = 0;
    this.#acknowledge();
  }
}
