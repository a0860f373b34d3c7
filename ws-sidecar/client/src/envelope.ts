// Owns the binary form of envelopes: flags, sequence number, a piece of a message.

import { ENVELOPE_HEAD_BYTES } from './limits.js';
import { ProtocolViolation } from './violation.js';

const TEXT = 1;
const ENDS = 2;

export interface Envelope {
  /** Sequence number, from 1. */
  readonly number: number;
  /** The message is text. */
  readonly text: boolean;
  /** The message ends with this piece. */
  readonly ends: boolean;
  readonly piece: Uint8Array<ArrayBuffer>;
}

export function encodeEnvelope(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ENVELOPE_HEAD_BYTES + envelope.piece.length);
  bytes[0] = (envelope.text ? TEXT : 0) | (envelope.ends ? ENDS : 0);
  new DataView(bytes.buffer).setBigUint64(1, BigInt(envelope.number));
  bytes.set(envelope.piece, ENVELOPE_HEAD_BYTES);
  return bytes;
}

/** Reads an envelope. Its piece is a view of the buffer, not a copy. */
export function decodeEnvelope(buffer: ArrayBuffer): Envelope {
  if (buffer.byteLength < ENVELOPE_HEAD_BYTES) {
    throw new ProtocolViolation(`an envelope of ${buffer.byteLength} bytes, which is shorter than its head`);
  }
  const view = new DataView(buffer);
  const flags = view.getUint8(0);
  if ((flags & ~(TEXT | ENDS)) !== 0) throw new ProtocolViolation(`an envelope with unknown flags ${flags}`);
  const number = Number(view.getBigUint64(1));
  if (number === 0 || !Number.isSafeInteger(number)) throw new ProtocolViolation(`an envelope with the number ${number}`);
  return {
    number,
    text: (flags & TEXT) !== 0,
    ends: (flags & ENDS) !== 0,
    piece: new Uint8Array(buffer, ENVELOPE_HEAD_BYTES),
  };
}
