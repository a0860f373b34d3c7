// What works while nothing goes wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResumeSocket, SetupError } from '../src/index.js';
import { FakeSidecar, type FakeConnection } from './fake-sidecar.js';
import { ManualTimers, once, record, recordData, seeded, until } from './helpers.js';

test('messages come back as they were: text, binary, empty, long, cut anywhere', async (t) => {
  const random = seeded(1);
  const sidecar = await FakeSidecar.start(t, { maxEnvelopeBytes: 9 + 50, pieceBytes: () => 1 + Math.floor(random() * 70) });
  const socket = await sidecar.opened();
  const data = recordData(socket);
  const long = 'aä€😀\ufeff'.repeat(200);
  const sent = ['text', '', Buffer.from([0, 255, 1]), Buffer.alloc(0), long, '\ufeffwith a mark', Buffer.from(long), 'x'.repeat(50), 'x'.repeat(51)];
  for (const message of sent) socket.send(message);
  await until('all came back', () => data.length === sent.length);
  assert.deepEqual(data, sent);
  assert.deepEqual(sidecar.channel.messages, sent);
  await until('all is acknowledged', () => socket.bufferedAmount === 0);
});

test('buffers and views of them are copied, and other data is refused', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  const data = recordData(socket);
  const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
  socket.send(buffer);
  socket.send(new DataView(buffer, 1, 2));
  socket.send(new Uint16Array(buffer, 2, 1));
  new Uint8Array(buffer).fill(9);
  await until('all came back', () => data.length === 3);
  assert.deepEqual(data, [Buffer.from([1, 2, 3, 4]), Buffer.from([2, 3]), Buffer.from([3, 4])]);
  assert.throws(() => socket.send(new Blob(['a']) as unknown as string), /Read a Blob first/);
});

test('binary messages arrive as Blobs when asked for', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ binaryType: 'blob' });
  const message = once(socket, 'message');
  socket.send(new Uint8Array([1, 2]));
  const { data } = await message;
  assert.ok(data instanceof Blob);
  assert.deepEqual([...new Uint8Array(await data.arrayBuffer())], [1, 2]);
});

test('it has the interface of WebSocket', async (t) => {
  const sidecar = await FakeSidecar.start(t, { protocol: 'terminal.v2' });
  const socket = sidecar.client({ protocols: ['terminal.v2', 'terminal.v1'] });
  // Compiles only while it fits where the browser's class is asked for.
  const swapped: WebSocket = socket;
  assert.equal(swapped.readyState, swapped.CONNECTING);
  const heard: string[] = [];
  socket.onopen = (): unknown => heard.push('replaced');
  socket.onopen = (event): unknown => heard.push(event.type);
  socket.onmessage = function (this: unknown, { data }): void {
    assert.equal(this, socket);
    heard.push(String(data));
  };
  socket.send('before open');
  await until('the echo came', () => heard.length === 2);
  assert.deepEqual(heard, ['open', 'before open']);
  assert.equal(socket.readyState, socket.OPEN);
  assert.equal(socket.connected, true);
  assert.equal(socket.protocol, 'terminal.v2');
  assert.equal(socket.url, `ws://127.0.0.1:${sidecar.port}/terminal`);
  assert.deepEqual(sidecar.last.offered, ['coditect.resume.v1', 'terminal.v2', 'terminal.v1']);
  assert.equal(typeof socket.onopen, 'function');
  socket.onopen = null;
  assert.equal(socket.onopen, null);
});

test('the token follows bearer, and a function is asked at each connection', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const fixed = await sidecar.opened({ protocols: ['a'], token: 'aaa.bbb-_c' });
  assert.deepEqual(sidecar.last.offered, ['coditect.resume.v1', 'a', 'bearer', 'aaa.bbb-_c']);
  fixed.close();
  let asked = 0;
  const socket = await sidecar.opened({ token: () => Promise.resolve(`token-${++asked}`) });
  assert.deepEqual(sidecar.last.offered, ['coditect.resume.v1', 'bearer', 'token-1']);
  const back = once(socket, 'reconnect');
  sidecar.last.ws.terminate();
  await back;
  assert.deepEqual(sidecar.last.offered, ['coditect.resume.v1', 'bearer', 'token-2']);
});

test('a token function that fails is told, and asked again', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  let asked = 0;
  const socket = sidecar.client({
    token: () => {
      asked += 1;
      if (asked === 1) throw new Error('not signed in yet');
      return 'good';
    },
  });
  const errors = record(socket, 'error');
  await once(socket, 'open');
  assert.deepEqual(errors.map(({ message }) => message), ['not signed in yet']);
});

test('a token that cannot be sent is the end, and is not told', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = sidecar.client({ token: 'sec ret=' });
  const error = once(socket, 'error');
  const close = once(socket, 'close');
  assert.ok((await error).error instanceof SetupError);
  assert.doesNotMatch((await error).message, /sec ret/);
  assert.equal((await close).code, 1006);
  assert.equal(sidecar.connections.length, 0);
});

test('wrong addresses and subprotocols are refused at once', () => {
  assert.throws(() => new ResumeSocket('ftp://example.com', { WebSocket: class {} as never }), { name: 'SyntaxError' });
  assert.throws(() => new ResumeSocket('ws://example.com/#part', { WebSocket: class {} as never }), { name: 'SyntaxError' });
  for (const protocols of [['bearer'], ['coditect.resume.v1'], ['a', 'a'], ['a b'], ['']]) {
    assert.throws(() => new ResumeSocket('ws://example.com', { protocols, WebSocket: class {} as never }), { name: 'SyntaxError' });
  }
});

test('the state of the workspace is told; unknown types and members are ignored', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  const states = record(socket, 'workspace');
  const data = recordData(socket);
  sidecar.last.say({ type: 'weather', state: 'away' });
  sidecar.last.say({ type: 'workspace', state: 'away', since: 3 });
  sidecar.last.say({ type: 'workspace', state: 'asleep' });
  sidecar.last.say({ type: 'pong', id: 'never sent' });
  sidecar.last.say({ type: 'workspace', state: 'back' });
  sidecar.send(sidecar.channel, 'still here');
  await until('the message came', () => data.length === 1);
  assert.deepEqual(states.map(({ state }) => state), ['away', 'back']);
});

test('pings measure the round trip', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ timers });
  await until('a pong came', () => socket.roundTripMs === 0);
  const pings = (connection: FakeConnection): unknown[] => connection.of('ping').map(({ id }) => id);
  timers.advance(15_000);
  await until('the second ping came', () => pings(sidecar.last).length === 2);
  assert.deepEqual(pings(sidecar.last), [1, 2]);
});
