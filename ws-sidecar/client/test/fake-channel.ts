// Owns a channel of the fake sidecar: written from the document, and not with the client's code, so that a mistake there
// is not repeated here.

export interface FakeEnvelope {
  readonly number: number;
  readonly bytes: Buffer;
}

export function envelope(number: number, flags: number, piece: string | Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(flags, 0);
  head.writeBigUInt64BE(BigInt(number), 1);
  return Buffer.concat([head, Buffer.from(piece)]);
}

export class FakeChannel {
  /** Whole messages of the client. */
  readonly messages: (string | Buffer)[] = [];
  /** What is not acknowledged. */
  sent: FakeEnvelope[] = [];
  received = 0;
  acknowledged = 0;
  lastNumber = 0;
  #pieces: Buffer[] = [];

  constructor(readonly name: string) {}

  /** Cuts a message into envelopes. */
  add(message: string | Buffer, pieceBytes: () => number): FakeEnvelope[] {
    const text = typeof message === 'string' ? 1 : 0;
    const bytes = Buffer.from(message);
    const added: FakeEnvelope[] = [];
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + pieceBytes());
      at += piece.length;
      this.lastNumber += 1;
      added.push({ number: this.lastNumber, bytes: envelope(this.lastNumber, text | (at === bytes.length ? 2 : 0), piece) });
    } while (at < bytes.length);
    this.sent.push(...added);
    return added;
  }

  /** Takes an envelope; returns the message that it ends, or what is wrong with it. */
  take(bytes: Buffer): { message?: string | Buffer; wrong?: string } {
    const flags = bytes.readUInt8(0);
    const number = Number(bytes.readBigUInt64BE(1));
    if (flags > 3) return { wrong: `flags ${flags}` };
    if (number <= this.received) return {};
    if (number > this.received + 1) return { wrong: `gap: ${number} after ${this.received}` };
    this.received = number;
    this.#pieces.push(bytes.subarray(9));
    if ((flags & 2) === 0) return {};
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    const message = (flags & 1) === 1 ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole) : whole;
    this.messages.push(message);
    return { message };
  }

  /** Forgets what arrived; false when the number cannot be. */
  acknowledge(received: number): boolean {
    if (received < this.acknowledged || received > this.lastNumber) return false;
    this.acknowledged = received;
    this.sent = this.sent.filter(({ number }) => number > received);
    return true;
  }
}
