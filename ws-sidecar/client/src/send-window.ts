// Owns what goes out: messages that wait, their cutting into numbered envelopes, the envelopes without an
// acknowledgement, and how much of those there may be.

import { encodeEnvelope } from './envelope.js';
import { Fifo } from './fifo.js';
import { ENVELOPE_HEAD_BYTES } from './limits.js';
import { ProtocolViolation } from './violation.js';

export interface OutgoingMessage {
  readonly text: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Sent {
  readonly number: number;
  readonly ends: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class SendWindow {
  #waiting = new Fifo<OutgoingMessage>();
  #unacked = new Fifo<Sent>();
  /** Bytes of the first waiting message that are in envelopes already. */
  #cut = 0;
  #lastNumber = 0;
  #acknowledged = 0;
  /** Bytes of #unacked with heads. The document does not say whether `buffer_bytes` counts them; this is the safe side. */
  #unackedBytes = 0;
  #bufferedBytes = 0;
  #windowBytes = 0;
  #pieceBytes = 1;

  /** Bytes of messages, without heads, that wait or are not acknowledged. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Messages of which not all is in envelopes yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Messages that were given to push() and of which not all is acknowledged. */
  get unacknowledged(): number {
    return this.#waiting.length + this.#unacked.toArray().filter((sent) => sent.ends).length;
  }

  /** Takes over the bounds that `ready` tells. */
  limit(windowBytes: number, envelopeBytes: number): void {
    this.#windowBytes = windowBytes;
    this.#pieceBytes = envelopeBytes - ENVELOPE_HEAD_BYTES;
  }

  push(message: OutgoingMessage): void {
    this.#waiting.push(message);
    this.#bufferedBytes += message.bytes.length;
  }

  /** The next envelope to send, or undefined when nothing waits or the window is full. It stays here until acknowledged. */
  next(): Uint8Array<ArrayBuffer> | undefined {
    const message = this.#waiting.first;
    if (message === undefined) return undefined;
    const piece = message.bytes.subarray(this.#cut, this.#cut + this.#pieceBytes);
    const full = this.#unackedBytes + ENVELOPE_HEAD_BYTES + piece.length > this.#windowBytes;
    // One envelope may always be under way: a window that is smaller than an envelope must not stop everything.
    if (full && this.#unacked.length > 0) return undefined;
    this.#cut += piece.length;
    const ends = this.#cut === message.bytes.length;
    if (ends) {
      this.#waiting.shift();
      this.#cut = 0;
    }
    return this.#keep(message.text, ends, piece);
  }

  /** Forgets envelopes up to this one. An older acknowledgement than the last says nothing new. */
  acknowledge(received: number): void {
    if (received > this.#lastNumber) {
      throw new ProtocolViolation(`an acknowledgement of envelope ${received}, but ${this.#lastNumber} is the last that was sent`);
    }
    if (received <= this.#acknowledged) return;
    this.#acknowledged = received;
    for (let sent = this.#unacked.first; sent !== undefined && sent.number <= received; sent = this.#unacked.first) {
      this.#unacked.shift();
      this.#unackedBytes -= sent.bytes.length;
      this.#bufferedBytes -= sent.bytes.length - ENVELOPE_HEAD_BYTES;
    }
  }

  /** Forgets envelopes up to this one, and returns those that the new connection must send again. */
  resume(received: number): Uint8Array<ArrayBuffer>[] {
    if (received < this.#acknowledged) {
      throw new ProtocolViolation(`a resumption after envelope ${received}, but ${this.#acknowledged} was acknowledged`);
    }
    this.acknowledge(received);
    return this.#unacked.toArray().map((sent) => sent.bytes);
  }

  #keep(text: boolean, ends: boolean, piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#lastNumber += 1;
    const bytes = encodeEnvelope({ number: this.#lastNumber, text, ends, piece });
    this.#unacked.push({ number: this.#lastNumber, ends, bytes });
    this.#unackedBytes += bytes.length;
    return bytes;
  }
}
