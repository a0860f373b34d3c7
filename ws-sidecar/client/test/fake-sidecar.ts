// Owns a sidecar for tests: the server side of the protocol over real sockets, with a workspace that is a function.

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { ResumeSocket, type RawSocketConstructor, type ResumeSocketOptions } from '../src/index.js';
import { FakeChannel } from './fake-channel.js';
import { once, until } from './helpers.js';

export interface FakeSettings {
  bufferBytes?: number;
  maxEnvelopeBytes?: number;
  /** Subprotocol that the workspace chose. */
  protocol?: string;
  /** Whether it acknowledges. */
  acks?: boolean;
  /** Bytes of the next piece that it sends. */
  pieceBytes?: () => number;
  /** What the workspace does with a message. */
  workspace?: (message: string | Buffer, answer: (message: string | Buffer) => void) => void;
  /** Looks at a first message; a code refuses it. */
  admit?: (connection: FakeConnection, first: Message) => { code: number; reason?: string } | undefined;
}

/** `npm test` uses `ws`; with PLATFORM_WEBSOCKET=1, what Node has itself, which is written from the same standard as that of browsers. */
const implementation: RawSocketConstructor = process.env['PLATFORM_WEBSOCKET'] === '1' ? globalThis.WebSocket : WebSocket;

export type Message = Record<string, unknown>;

export class FakeConnection {
  /** Text messages of the client. */
  readonly texts: Message[] = [];
  /** Numbers of the envelopes of the client. */
  readonly numbers: number[] = [];
  channel: FakeChannel | undefined;
  /** Hears nothing and says nothing, as over a cable that was pulled. */
  mute = false;
  closed: { code: number; reason: string } | undefined;

  constructor(readonly ws: WebSocket, readonly offered: string[]) {}

  say(message: Message | string): void {
    if (!this.mute) this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  envelope(bytes: Buffer): void {
    if (!this.mute) this.ws.send(bytes);
  }

  of(type: string): Message[] {
    return this.texts.filter((text) => text['type'] === type);
  }
}

export class FakeSidecar {
  readonly connections: FakeConnection[] = [];
  readonly channels = new Map<string, FakeChannel>();
  /** Where the client did not keep to the protocol. */
  readonly violations: string[] = [];
  /** Closes that ended a channel: the workspace gets their codes. */
  readonly ends: { code: number; reason: string }[] = [];
  readonly settings: Required<Omit<FakeSettings, 'admit'>> & Pick<FakeSettings, 'admit'>;
  readonly #server: WebSocketServer;
  readonly #clients: ResumeSocket[] = [];
  #stopping = false;

  private constructor(server: WebSocketServer, settings: FakeSettings) {
    this.#server = server;
    this.settings = {
      bufferBytes: 4 << 20, maxEnvelopeBytes: 65545, protocol: '', acks: true, pieceBytes: () => 65536,
      workspace: (message, answer) => answer(message),
      ...settings,
    };
    server.on('connection', (ws, request) => this.#accept(ws, (request.headers['sec-websocket-protocol'] ?? '').split(/, */)));
  }

  /** Starts one that the test stops when it ends. */
  static async start(t: TestContext, settings: FakeSettings = {}): Promise<FakeSidecar> {
    const handleProtocols = (offered: Set<string>): string | false => offered.has('coditect.resume.v1') && 'coditect.resume.v1';
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols });
    const sidecar = new FakeSidecar(server, settings);
    t.after(() => sidecar.#stop());
    await new Promise((resolve) => server.once('listening', resolve));
    return sidecar;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): FakeConnection {
    return this.connections.at(-1) ?? assert.fail('there was no connection yet');
  }

  /** The only channel. */
  get channel(): FakeChannel {
    assert.equal(this.channels.size, 1, 'one channel');
    return [...this.channels.values()][0] ?? assert.fail();
  }

  /** A client that is closed when the test ends. */
  client(options: ResumeSocketOptions = {}, port = this.port): ResumeSocket {
    const socket = new ResumeSocket(`ws://127.0.0.1:${port}/terminal`, { WebSocket: implementation, ...options });
    this.#clients.push(socket);
    return socket;
  }

  /** A client that is open. */
  async opened(options: ResumeSocketOptions = {}): Promise<ResumeSocket> {
    const socket = this.client(options);
    await once(socket, 'open');
    return socket;
  }

  /** The workspace sends a message. */
  send(channel: FakeChannel, message: string | Buffer): void {
    const { maxEnvelopeBytes, pieceBytes } = this.settings;
    const added = channel.add(message, () => Math.min(pieceBytes(), maxEnvelopeBytes - 9));
    const connection = this.connections.find((each) => each.channel === channel && each.closed === undefined);
    for (const { bytes } of added) connection?.envelope(bytes);
  }

  #accept(ws: WebSocket, offered: string[]): void {
    const connection = new FakeConnection(ws, offered);
    this.connections.push(connection);
    ws.on('error', () => undefined);
    ws.on('close', (code, reason) => this.#closed(connection, code, reason.toString()));
    ws.on('message', (data: Buffer, binary) => {
      if (connection.mute) return;
      if (binary) this.#envelope(connection, data);
      else this.#text(connection, JSON.parse(data.toString()) as Message);
    });
  }

  #closed(connection: FakeConnection, code: number, reason: string): void {
    const { channel } = connection;
    connection.channel = undefined;
    connection.closed ??= { code, reason };
    if (channel === undefined || [1001, 1005, 1006].includes(code)) return;
    this.channels.delete(channel.name);
    this.ends.push({ code, reason });
  }

  #envelope(connection: FakeConnection, data: Buffer): void {
    const { channel } = connection;
    if (channel === undefined) return this.#violation(connection, 'an envelope before `ready`');
    if (data.length > this.settings.maxEnvelopeBytes) return this.#violation(connection, `an envelope of ${data.length} bytes`);
    connection.numbers.push(Number(data.readBigUInt64BE(1)));
    const { message, wrong } = channel.take(data);
    if (wrong !== undefined) return this.#violation(connection, wrong);
    if (this.settings.acks) connection.say({ type: 'ack', received: channel.received });
    if (message !== undefined) this.settings.workspace(message, (answer) => this.send(channel, answer));
  }

  #text(connection: FakeConnection, message: Message): void {
    connection.texts.push(message);
    if (connection.texts.length === 1) return this.#first(connection, message);
    if (message['type'] === 'ping') connection.say({ type: 'pong', id: message['id'] });
    if (message['type'] === 'ack' && connection.channel?.acknowledge(message['received'] as number) === false) {
      this.#violation(connection, `ack ${String(message['received'])}`);
    }
  }

  #first(connection: FakeConnection, message: Message): void {
    const refused = this.#stopping ? { code: 1000 } : this.settings.admit?.(connection, message);
    if (refused !== undefined) return connection.ws.close(refused.code, refused.reason);
    if (message['type'] === 'open') {
      const channel = new FakeChannel(`channel-${this.connections.length}`);
      this.channels.set(channel.name, channel);
      return this.#ready(connection, channel, false);
    }
    const channel = this.channels.get(message['channel'] as string);
    if (channel === undefined) return connection.ws.close(4404);
    if (!channel.acknowledge(message['received'] as number)) return this.#violation(connection, `resumed after ${String(message['received'])}`);
    this.#takeOver(channel);
    this.#ready(connection, channel, true);
  }

  #takeOver(channel: FakeChannel): void {
    for (const older of this.connections.filter((each) => each.channel === channel)) {
      older.channel = undefined;
      older.ws.close(4409);
    }
  }

  #ready(connection: FakeConnection, channel: FakeChannel, resumed: boolean): void {
    const { bufferBytes, maxEnvelopeBytes, protocol } = this.settings;
    connection.channel = channel;
    connection.say({
      type: 'ready', channel: channel.name, resumed, received: channel.received, protocol,
      keep_ms: 60000, buffer_bytes: bufferBytes, max_envelope_bytes: maxEnvelopeBytes, max_message_bytes: 1 << 24,
    });
    for (const { bytes } of channel.sent) connection.envelope(bytes);
  }

  #violation(connection: FakeConnection, what: string): void {
    this.violations.push(what);
    connection.ws.close(4400, what);
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    for (const client of this.#clients) client.close();
    // A Close 1000 of the workspace is the end for every client; those that come back now get it too.
    for (const { ws } of this.connections) ws.close(1000);
    await until('all clients are closed', () => this.#clients.every((client) => client.readyState === ResumeSocket.CLOSED));
    for (const { ws } of this.connections) ws.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
    assert.deepEqual(this.violations, [], 'the client kept to the protocol');
  }
}
