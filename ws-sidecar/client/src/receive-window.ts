// Owns what comes in: which envelopes are new, and the joining of their pieces into whole messages.

import type { Envelope } from './envelope.js';
import { ProtocolViolation } from './violation.js';

/** A whole message: text, or the bytes of a binary one. */
export type IncomingMessage = string | Uint8Array<ArrayBuffer>;

export class ReceiveWindow {
  #received = 0;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #text = false;
  // A byte order mark belongs to the message, as it does for WebSocket itself.
  #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** Number of the last envelope that arrived. */
  get received(): number {
    return this.#received;
  }

  /** Takes an envelope, and returns the message that it completes, if any. One that was seen before is ignored. */
  accept(envelope: Envelope): IncomingMessage | undefined {
    if (envelope.number <= this.#received) return undefined;
    if (envelope.number !== this.#received + 1) {
      throw new ProtocolViolation(`a gap: envelope ${envelope.number} after ${this.#received}`);
    }
    if (this.#pieces.length > 0 && envelope.text !== this.#text) {
      throw new ProtocolViolation(`envelope ${envelope.number} mixes text and binary in one message`);
    }
    this.#received = envelope.number;
    this.#text = envelope.text;
    this.#pieces.push(envelope.piece);
    return envelope.ends ? this.#complete() : undefined;
  }

  #complete(): IncomingMessage {
    const bytes = join(this.#pieces);
    this.#pieces = [];
    if (!this.#text) return bytes;
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new ProtocolViolation(`the text message that ends with envelope ${this.#received} is not UTF-8`);
    }
  }
}

/** Always a copy: pieces are views of envelopes, and applications get buffers that hold the message alone. */
function join(pieces: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
