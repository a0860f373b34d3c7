// Owns one connection that speaks the protocol for a channel: from dialing over `ready` to its end.

import { AckSchedule } from './ack-schedule.js';
import type { Channel } from './channel.js';
import { decodeEnvelope } from './envelope.js';
import { Heartbeat } from './heartbeat.js';
import { CLOSE_ANSWER_MS, CLOSE_REASON_BYTES, CONNECT_WAIT_MS, SILENCE_MS } from './limits.js';
import { ackMessage, parseMessage, pingMessage, type Ready, type WorkspaceState } from './messages.js';
import { RESUME_PROTOCOL, SetupError, type Settings } from './options.js';
import { abandon, detach, type RawSocket } from './raw-socket.js';
import type { IncomingMessage } from './receive-window.js';
import { Timer } from './timers.js';
import { ABNORMAL, VIOLATION } from './verdict.js';
import { ProtocolViolation } from './violation.js';

export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** How a connection ended. */
export interface LinkEnd extends Close {
  readonly wasClean: boolean;
  /** We sent a Close, and it was answered. */
  readonly answered: boolean;
  /** Why it ended, where the code does not say it. */
  readonly error?: Error;
}

/** What a connection tells. ended() is called once and last, unless the connection is dropped. */
export interface LinkEvents {
  ready(ready: Ready): void;
  /** For the first time something came after `ready`: the connection does work. */
  proven(): void;
  message(message: IncomingMessage): void;
  workspace(state: WorkspaceState): void;
  /** The workspace ended its connection. The end of this one follows. */
  workspaceClosed(close: Close): void;
  /** The sidecar does not keep to the protocol. Close 4400 is on its way. */
  violated(error: ProtocolViolation): void;
  ended(end: LinkEnd): void;
}

export class Link {
  readonly #settings: Settings;
  readonly #channel: Channel;
  readonly #events: LinkEvents;
  readonly #heartbeat: Heartbeat;
  readonly #acks: AckSchedule;
  readonly #deadline: Timer;
  #phase: 'dialing' | 'opening' | 'ready' | 'closing' | 'over' = 'dialing';
  #raw: RawSocket | undefined;
  #proven = false;
  #detail = '';
  #closeWhenSent: Close | undefined;

  constructor(settings: Settings, channel: Channel, events: LinkEvents) {
    this.#settings = settings;
    this.#channel = channel;
    this.#events = events;
    this.#heartbeat = new Heartbeat(settings.timers, (id) => this.#raw?.send(pingMessage(id)), () => this.#lose(`nothing came for ${SILENCE_MS} ms`));
    this.#acks = new AckSchedule(settings.timers, () => this.#raw?.send(ackMessage(channel.incoming.received)));
    this.#deadline = new Timer(settings.timers);
    this.#deadline.start(CONNECT_WAIT_MS, () => this.#lose(`no \`ready\` within ${CONNECT_WAIT_MS} ms`));
    settings.subprotocols().then(
      (protocols) => this.#dial(protocols),
      (error: unknown) => this.#failed(error),
    );
  }

  get roundTripMs(): number | undefined {
    return this.#heartbeat.roundTripMs;
  }

  /** Sends what waits, as far as the window allows. */
  pump(): void {
    if (this.#phase !== 'ready' || this.#raw === undefined) return;
    const { outgoing } = this.#channel;
    for (let envelope = outgoing.next(); envelope !== undefined; envelope = outgoing.next()) this.#raw.send(envelope);
    if (this.#closeWhenSent !== undefined && outgoing.waiting === 0) this.#sendClose(this.#closeWhenSent);
  }

  /** Ends the channel once nothing waits to be sent any more. */
  closeWhenSent(close: Close): void {
    this.#closeWhenSent = close;
    this.pump();
  }

  /** Ends the connection now and tells nothing more. Without a Close, the channel stays. */
  drop(close?: Close): void {
    if (this.#phase === 'over') return;
    // Who did not answer one Close does not answer a second one.
    const goodbye = this.#phase === 'closing' ? undefined : close;
    const raw = this.#release();
    if (raw === undefined) return;
    if (goodbye === undefined) abandon(raw);
    else raw.close(goodbye.code, goodbye.reason);
  }

  #dial(protocols: string[]): void {
    // It was dropped while the token was fetched.
    if (this.#phase !== 'dialing') return;
    let raw: RawSocket;
    try {
      raw = new this.#settings.WebSocket(this.#settings.url, protocols);
    } catch (error) {
      this.#failed(new SetupError(`The connection cannot be made: ${String(error)}. Check the address and the subprotocols.`, { cause: error }));
      return;
    }
    this.#raw = raw;
    raw.binaryType = 'arraybuffer';
    raw.onopen = () => this.#opened(raw);
    raw.onmessage = (event: { data: unknown }) => this.#arrived(event.data);
    raw.onerror = (event: { message?: unknown }) => void (this.#detail = typeof event.message === 'string' ? event.message : '');
    raw.onclose = (event: Close & { wasClean: boolean }) => this.#closed(event);
  }

  #opened(raw: RawSocket): void {
    this.#phase = 'opening';
    if (raw.protocol === RESUME_PROTOCOL) raw.send(this.#channel.firstMessage());
    else this.#violated(new ProtocolViolation(`the server did not choose the subprotocol ${RESUME_PROTOCOL}`));
  }

  #arrived(data: unknown): void {
    if (this.#phase !== 'opening' && this.#phase !== 'ready') return;
    try {
      if (this.#phase === 'ready') this.#heard();
      if (typeof data === 'string') this.#text(data);
      else this.#envelope(data as ArrayBuffer);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.#violated(error);
    }
  }

  #heard(): void {
    this.#heartbeat.heard();
    if (this.#proven) return;
    this.#proven = true;
    this.#events.proven();
  }

  #text(text: string): void {
    const message = parseMessage(text);
    if (message === undefined) return;
    if (message.type === 'pong') this.#heartbeat.pong(message.id);
    else if (message.type === 'workspace') this.#events.workspace(message.state);
    else if (message.type === 'closed') this.#events.workspaceClosed({ code: message.code, reason: message.reason });
    else if (message.type === 'ready' && this.#phase === 'opening') this.#ready(message);
    else if (message.type === 'ack' && this.#phase === 'ready') this.#acknowledged(message.received);
    else throw new ProtocolViolation(`\`${message.type}\` ${this.#phase === 'opening' ? 'before' : 'after'} \`ready\``);
  }

  #acknowledged(received: number): void {
    this.#channel.outgoing.acknowledge(received);
    this.pump();
  }

  #ready(ready: Ready): void {
    const again = this.#channel.ready(ready);
    this.#deadline.clear();
    this.#phase = 'ready';
    for (const envelope of again) this.#raw?.send(envelope);
    // After the replay, so that a sidecar that fails because of it does not count as one that works.
    this.#heartbeat.start();
    this.pump();
    this.#events.ready(ready);
  }

  #envelope(data: ArrayBuffer): void {
    if (this.#phase === 'opening') throw new ProtocolViolation('an envelope before `ready`');
    const { incoming, envelopeBytes } = this.#channel;
    if (data.byteLength > envelopeBytes) throw new ProtocolViolation(`an envelope of ${data.byteLength} bytes, but ${envelopeBytes} are the most`);
    const before = incoming.received;
    const message = incoming.accept(decodeEnvelope(data));
    if (incoming.received > before) this.#acks.arrived(data.byteLength);
    if (message !== undefined) this.#events.message(message);
  }

  #sendClose(close: Close): void {
    this.#phase = 'closing';
    this.#heartbeat.stop();
    this.#acks.stop();
    this.#deadline.start(CLOSE_ANSWER_MS, () => this.#lose(`no answer to Close within ${CLOSE_ANSWER_MS} ms`));
    this.#raw?.close(close.code, close.reason);
  }

  #violated(error: ProtocolViolation): void {
    // The reasons are ASCII, so characters are bytes.
    this.#sendClose({ code: VIOLATION, reason: error.message.slice(0, CLOSE_REASON_BYTES) });
    this.#events.violated(error);
  }

  #closed(event: Close & { wasClean: boolean }): void {
    const answered = this.#phase === 'closing' && event.wasClean;
    this.#release();
    this.#events.ended({ code: event.code, reason: event.reason || this.#detail, wasClean: event.wasClean, answered });
  }

  /** There is no connection to end: its token or its address was at fault. */
  #failed(error: unknown): void {
    if (this.#phase === 'over') return;
    this.#release();
    const cause = error instanceof Error ? error : new Error(String(error));
    this.#events.ended({ code: ABNORMAL, reason: cause.message, wasClean: false, answered: false, error: cause });
  }

  #lose(reason: string): void {
    this.drop();
    this.#events.ended({ code: ABNORMAL, reason, wasClean: false, answered: false });
  }

  #release(): RawSocket | undefined {
    this.#phase = 'over';
    this.#deadline.clear();
    this.#heartbeat.stop();
    this.#acks.stop();
    if (this.#raw !== undefined) detach(this.#raw);
    return this.#raw;
  }
}
