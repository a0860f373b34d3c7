// Lost connections: nothing is lost, doubled or reordered.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { CuttingProxy } from './cutting-proxy.js';
import { envelope } from './fake-channel.js';
import { FakeSidecar } from './fake-sidecar.js';
import { ManualTimers, once, quickened, record, recordData, seeded, until } from './helpers.js';

const MESSAGES = 400;

/** A message that no other is equal to, text or binary, of up to a few envelopes. */
function numbered(index: number, random: () => number): string | Buffer {
  const text = `${index}:${'aä€😀'.repeat(Math.floor(random() * 40))}`;
  return random() < 0.5 ? text : Buffer.from(text);
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`traffic both ways over connections that are cut anywhere, seed ${seed}`, async (t) => {
    const random = seeded(seed);
    const sidecar = await FakeSidecar.start(t, {
      bufferBytes: 4000, maxEnvelopeBytes: 109, pieceBytes: () => 1 + Math.floor(random() * 120), workspace: () => undefined,
    });
    const proxy = await CuttingProxy.start(t, sidecar.port, () => 200 + Math.floor(random() * 9_000));
    const socket = sidecar.client({ random, timers: quickened(20) }, proxy.port);
    const got = recordData(socket);
    const lost = record(socket, 'lost');
    await once(socket, 'open');
    const { channel } = sidecar;
    const up = Array.from({ length: MESSAGES }, (_, index) => numbered(index, random));
    const down = Array.from({ length: MESSAGES }, (_, index) => numbered(index, random));
    for (let index = 0; index < MESSAGES; index++) {
      socket.send(up[index] ?? assert.fail());
      sidecar.send(channel, down[index] ?? assert.fail());
      // The rest follows only when part of it got through, so that cuts come at all moments.
      await until('most got through', () => got.length > index - 30 && channel.messages.length > index - 30);
    }
    await until('all came to the client', () => got.length >= MESSAGES);
    await until('all came to the workspace', () => channel.messages.length >= MESSAGES);
    await until('all is acknowledged', () => socket.bufferedAmount === 0);
    proxy.cutting = false;
    assert.deepEqual(got, down);
    assert.deepEqual(channel.messages, up);
    assert.deepEqual(lost, []);
    assert.ok(proxy.cuts >= 10, `${proxy.cuts} cuts`);
    assert.equal(sidecar.channels.size, 1);
  });
}

test('a lost connection is told, resumed at once, and measured from where it was', async (t) => {
  const sidecar = await FakeSidecar.start(t, { acks: false, workspace: () => undefined });
  const socket = await sidecar.opened({ random: () => 0 });
  const data = recordData(socket);
  socket.send('one');
  socket.send('two');
  sidecar.send(sidecar.channel, 'down');
  await until('all arrived', () => sidecar.channel.messages.length === 2 && data.length === 1);
  const gone = once(socket, 'disconnect');
  const back = once(socket, 'reconnect');
  sidecar.last.ws.terminate();
  const { attempt, delay, code } = await gone;
  assert.deepEqual({ attempt, delay, code }, { attempt: 1, delay: 0, code: 1006 });
  const { resumed, attempts } = await back;
  assert.deepEqual({ resumed, attempts }, { resumed: true, attempts: 1 });
  assert.deepEqual(sidecar.last.texts[0], { type: 'resume', channel: sidecar.channel.name, received: 1, attempt: 1 });
  socket.send('three');
  await until('the next arrived', () => sidecar.channel.messages.length === 3);
  assert.deepEqual(sidecar.last.numbers, [3], '`received` of `ready` told that 1 and 2 had arrived');
});

test('while the sidecar does not answer, pauses double', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const timers = new ManualTimers();
  const socket = await sidecar.opened({ timers, random: () => 1 });
  const gone = record(socket, 'disconnect');
  const refused = new Set<unknown>();
  sidecar.settings.admit = (connection) => (refused.size < 4 && refused.add(connection) ? { code: 1013 } : undefined);
  const back = once(socket, 'reconnect');
  sidecar.last.ws.close(1001);
  for (let count = 1; count <= 5; count++) {
    await until(`end ${count} is told`, () => gone.length === count);
    timers.advance(gone.at(-1)?.delay ?? 0);
  }
  assert.equal((await back).attempts, 5);
  assert.deepEqual(gone.map(({ attempt, delay, code }) => [attempt, delay, code]), [[1, 0, 1001], [2, 250, 1013], [3, 500, 1013], [4, 1000, 1013], [5, 2000, 1013]]);
});

test('a connection that fails right after `ready` does not start the pauses anew', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const timers = new ManualTimers();
  const socket = await sidecar.opened({ timers, random: () => 1 });
  await until('the connection is proven', () => socket.roundTripMs !== undefined);
  const gone = record(socket, 'disconnect');
  sidecar.settings.admit = (connection) => {
    // After `ready`, which follows now.
    queueMicrotask(() => {
      connection.mute = true;
      connection.ws.close();
    });
    return undefined;
  };
  sidecar.last.ws.terminate();
  for (let count = 1; count <= 3; count++) {
    await until(`end ${count} is told`, () => gone.length === count);
    const back = once(socket, 'reconnect');
    timers.advance(gone.at(-1)?.delay ?? 0);
    await back;
  }
  await until('the last end is told', () => gone.length === 4);
  sidecar.settings.admit = () => undefined;
  assert.deepEqual(gone.map(({ delay }) => delay), [0, 250, 500, 1000]);
});

test('envelopes that come twice are ignored', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  const data = recordData(socket);
  for (const bytes of [envelope(1, 1, 'a'), envelope(1, 1, 'a'), envelope(2, 3, 'b'), envelope(1, 3, 'x'), envelope(2, 3, 'b'), envelope(3, 3, 'c')]) {
    sidecar.last.envelope(bytes);
  }
  sidecar.channel.lastNumber = 3;
  await until('the last came', () => data.includes('c'));
  assert.deepEqual(data, ['ab', 'c']);
});

/** `ws` as browsers have it: the only way to end a connection is close(). */
class BrowserLike extends WebSocket {
  override terminate = undefined as never;
}

for (const [name, implementation] of [['ws', WebSocket], ['a browser', BrowserLike]] as const) {
  test(`a half-open connection is found by its silence, with ${name}`, async (t) => {
    const timers = new ManualTimers();
    const sidecar = await FakeSidecar.start(t);
    const socket = await sidecar.opened({ timers, WebSocket: implementation });
    const data = recordData(socket);
    await until('the first ping is answered', () => socket.roundTripMs !== undefined);
    const half = sidecar.last;
    half.mute = true;
    socket.send('on its way');
    const gone = record(socket, 'disconnect');
    timers.advance(39_999);
    assert.equal(gone.length, 0);
    timers.advance(1);
    assert.deepEqual(gone.map(({ code, reason, delay }) => [code, reason, delay]), [[1006, 'nothing came for 40000 ms', 0]]);
    const back = once(socket, 'reconnect');
    timers.advance(0);
    assert.equal((await back).resumed, true);
    await until('the echo came', () => data.length === 1);
    assert.deepEqual(data, ['on its way']);
    await until('the sidecar saw the old connection end', () => half.closed !== undefined);
    assert.equal(sidecar.channels.size, 1);
  });
}

test('an attempt that is never answered is given up', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t, { admit: (connection) => void (connection.mute = sidecar.connections.length === 1) });
  const socket = sidecar.client({ timers });
  const gone = once(socket, 'disconnect');
  await until('the first message came', () => sidecar.connections[0]?.texts.length === 1);
  timers.advance(40_000);
  assert.equal((await gone).reason, 'no `ready` within 40000 ms');
  const open = once(socket, 'open');
  timers.advance(0);
  await open;
});
