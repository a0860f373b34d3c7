// Owns the public class: one socket over any number of connections, with the interface of the browser's WebSocket.

import { Backoff } from './backoff.js';
import { Channel } from './channel.js';
import { DisconnectEvent, LostEvent, ReconnectEvent, SocketCloseEvent, SocketErrorEvent, WorkspaceEvent, type MessageData } from './events.js';
import { CLOSE_WAIT_MS } from './limits.js';
import { Link, type Close, type LinkEnd, type LinkEvents } from './link.js';
import type { Ready } from './messages.js';
import { settle, SetupError, type ResumeSocketOptions, type Settings } from './options.js';
import { checkClose, checkRoom, checkSize, toMessage } from './outgoing.js';
import type { IncomingMessage } from './receive-window.js';
import { SocketTarget } from './socket-target.js';
import { Timer } from './timers.js';
import { ABNORMAL, judge, mayReturnAtOnce, NO_CODE, retryHint, VIOLATION } from './verdict.js';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

export class ResumeSocket extends SocketTarget {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = CLOSING;
  static readonly CLOSED = CLOSED;
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = CLOSING;
  readonly CLOSED = CLOSED;

  /** What binary messages arrive as. */
  binaryType: 'arraybuffer' | 'blob';
  readonly extensions = '';
  readonly #settings: Settings;
  readonly #origin: string;
  readonly #backoff: Backoff;
  readonly #retry: Timer;
  readonly #giveUp: Timer;
  #state: 0 | 1 | 2 | 3 = CONNECTING;
  #channel = new Channel();
  #link: Link | undefined;
  #connected = false;
  #protocol = '';
  #roundTripMs: number | undefined;
  /** How the workspace ended it. */
  #farewell: Close | undefined;
  /** What close() asked for. */
  #closing: Close | undefined;
  /** Why nothing but the end is left. */
  #violation: Error | undefined;
  /** Bytes that will never be sent: given to send() after the end began, or still waiting at the end. */
  #discarded = 0;

  constructor(url: string | URL, options: ResumeSocketOptions = {}) {
    super();
    this.#settings = settle(url, options);
    this.#origin = new URL(this.#settings.url).origin;
    this.binaryType = options.binaryType ?? 'arraybuffer';
    this.#backoff = new Backoff(this.#settings.random);
    this.#retry = new Timer(this.#settings.timers);
    this.#giveUp = new Timer(this.#settings.timers);
    this.#connect();
  }

  get url(): string {
    return this.#settings.url;
  }

  /** CONNECTING until the first `open`, then OPEN until the end: also while the connection is being restored. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#state;
  }

  /** Whether there is a connection at this moment. */
  get connected(): boolean {
    return this.#connected;
  }

  /** The subprotocol that the workspace chose. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Bytes of messages that the sidecar has not acknowledged. */
  get bufferedAmount(): number {
    return this.#channel.outgoing.bufferedBytes + this.#discarded;
  }

  /** Milliseconds that the last answered ping took; undefined before the first. */
  get roundTripMs(): number | undefined {
    return this.#link?.roundTripMs ?? this.#roundTripMs;
  }

  /** Sends a message, or keeps it until it can be sent. After close() it is discarded, as by the browser's WebSocket. */
  send(data: string | BufferSource): void;
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  send(data: string | ArrayBuffer | ArrayBufferView): void {
    const message = toMessage(data);
    const size = message.bytes.length;
    if (this.#state >= CLOSING) {
      this.#discarded += size;
      return;
    }
    checkSize(size, this.#channel.messageBytes);
    checkRoom(this.bufferedAmount, size, this.#settings.maxBufferedBytes);
    this.#channel.outgoing.push(message);
    this.#link?.pump();
  }

  /** Delivers what waits, within limits, then ends the channel. The workspace gets the code, 1000 unless given. */
  close(code?: number, reason?: string): void {
    const close = checkClose(code, reason);
    if (this.#state >= CLOSING) return;
    this.#state = CLOSING;
    this.#closing = close;
    if (!this.#channel.isOpen && this.#channel.outgoing.waiting === 0) {
      this.#abort('closed before it was open');
      return;
    }
    this.#giveUp.start(CLOSE_WAIT_MS, () => this.#abort(`not closed within ${CLOSE_WAIT_MS} ms: the last messages may be lost`));
    this.#link?.closeWhenSent(close);
    // No pause before the last attempt.
    if (this.#retry.isSet) this.#connect();
  }

  #connect(): void {
    this.#retry.clear();
    const events: LinkEvents = {
      ready: (ready) => this.#ready(ready),
      proven: () => this.#backoff.reset(),
      message: (message) => this.#message(message),
      workspace: (state) => void this.dispatchEvent(new WorkspaceEvent(state)),
      workspaceClosed: (close) => void (this.#farewell = close),
      violated: (error) => this.#violated(error),
      ended: (end) => this.#ended(end),
    };
    this.#link = new Link(this.#settings, this.#channel, events);
    if (this.#closing !== undefined) this.#link.closeWhenSent(this.#closing);
  }

  #ready(ready: Ready): void {
    this.#connected = true;
    this.#protocol = ready.protocol;
    if (this.#state === CONNECTING) {
      this.#state = OPEN;
      this.dispatchEvent(new Event('open'));
    } else if (this.#state === OPEN) {
      this.dispatchEvent(new ReconnectEvent(ready.resumed, this.#backoff.attempts));
    }
  }

  #message(message: IncomingMessage): void {
    // As the browser's WebSocket, which delivers nothing after close().
    if (this.#state !== OPEN) return;
    const data = typeof message === 'string' ? message : this.binaryType === 'blob' ? new Blob([message]) : message.buffer;
    this.dispatchEvent(new MessageEvent<MessageData>('message', { data, origin: this.#origin }));
  }

  #violated(error: Error): void {
    this.#violation = error;
    this.#state = CLOSING;
    const message = `The sidecar does not keep to the resume protocol: ${error.message}. The channel was ended with 4400. Check that both speak the same version.`;
    this.dispatchEvent(new SocketErrorEvent(new Error(message, { cause: error })));
  }

  #ended(end: LinkEnd): void {
    this.#disconnected();
    if (end.error !== undefined) this.dispatchEvent(new SocketErrorEvent(end.error));
    if (this.#state === CLOSED) return;
    if (this.#violation !== undefined) this.#finish(VIOLATION, this.#violation.message, end.wasClean);
    else if (this.#farewell !== undefined) this.#finish(this.#farewell.code, this.#farewell.reason, true);
    else if (end.answered) this.#finish(end.code === NO_CODE ? (this.#closing?.code ?? NO_CODE) : end.code, end.reason, true);
    else if (end.error instanceof SetupError) this.#finish(end.code, end.reason, false);
    else this.#judge(end);
  }

  #judge(end: LinkEnd): void {
    const verdict = judge(end.code, this.#channel.isOpen);
    if (verdict === 'final') this.#finish(end.code, end.reason, end.wasClean);
    else if (verdict === 'lost') this.#lost(end);
    else this.#comeBack(end);
  }

  #lost(end: LinkEnd): void {
    const { unacknowledged } = this.#channel.outgoing;
    const closing = this.#closing;
    // What the application sends from the event on belongs to the new channel.
    this.#channel = new Channel();
    // A channel that is gone after our Close went the way that was asked for.
    if (closing === undefined || unacknowledged > 0) this.dispatchEvent(new LostEvent(unacknowledged, end.code, end.reason));
    if (this.#state === CLOSED) return;
    if (closing !== undefined) this.#finish(closing.code, closing.reason, false);
    else if (this.#settings.onLost === 'close') this.#finish(end.code, end.reason, end.wasClean);
    else this.#comeBack(end);
  }

  #comeBack(end: LinkEnd): void {
    const hint = retryHint(end.code, end.reason);
    const delay = hint === undefined ? this.#backoff.next(mayReturnAtOnce(end.code)) : this.#backoff.asked(hint);
    this.#retry.start(delay, () => this.#connect());
    if (this.#state < CLOSING) this.dispatchEvent(new DisconnectEvent(this.#backoff.attempts, delay, end.code, end.reason));
  }

  /** Ends without the sidecar's agreement. */
  #abort(reason: string): void {
    this.#link?.drop(this.#closing);
    this.#finish(ABNORMAL, reason, false);
  }

  #finish(code: number, reason: string, wasClean: boolean): void {
    this.#disconnected();
    this.#retry.clear();
    this.#giveUp.clear();
    this.#state = CLOSED;
    // Frees what cannot be sent any more.
    this.#discarded = this.bufferedAmount;
    this.#channel = new Channel();
    this.dispatchEvent(new SocketCloseEvent(code, reason, wasClean));
  }

  #disconnected(): void {
    this.#roundTripMs = this.roundTripMs;
    this.#link = undefined;
    this.#connected = false;
  }
}
