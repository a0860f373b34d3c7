// Owns what outlives connections: the channel's name and both of its windows.

import { openMessage, resumeMessage, type Ready } from './messages.js';
import { ReceiveWindow } from './receive-window.js';
import { SendWindow } from './send-window.js';
import { ProtocolViolation } from './violation.js';

export class Channel {
  readonly outgoing = new SendWindow();
  readonly incoming = new ReceiveWindow();
  #name: string | undefined;
  #envelopeBytes = 0;
  #messageBytes = Infinity;
  #attempts = 0;

  /** The sidecar has, or had, this channel. */
  get isOpen(): boolean {
    return this.#name !== undefined;
  }

  /** Longest envelope that the sidecar may send, bytes. */
  get envelopeBytes(): number {
    return this.#envelopeBytes;
  }

  /** Longest message that the sidecar takes, bytes; not known before the channel is open. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** What a connection must say first. */
  firstMessage(): string {
    if (this.#name === undefined) return openMessage();
    this.#attempts += 1;
    return resumeMessage(this.#name, this.incoming.received, this.#attempts);
  }

  /** Takes over what `ready` tells, and returns the envelopes that the new connection must send again. */
  ready(ready: Ready): Uint8Array<ArrayBuffer>[] {
    if (ready.resumed !== this.isOpen) {
      throw new ProtocolViolation(ready.resumed ? 'a resumed channel, but a new one was asked for' : 'a new channel, but the old one was asked for');
    }
    this.#name = ready.channel;
    this.#envelopeBytes = ready.maxEnvelopeBytes;
    this.#messageBytes = ready.maxMessageBytes;
    this.outgoing.limit(ready.bufferBytes, ready.maxEnvelopeBytes);
    return this.outgoing.resume(ready.received);
  }
}
