// How channels end, and what follows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResumeSocket, ResumeSocketEventMap } from '../src/index.js';
import { FakeSidecar } from './fake-sidecar.js';
import { ManualTimers, once, quickened, record, recordData, until } from './helpers.js';

const says = ({ code, reason, wasClean }: ResumeSocketEventMap['close']): unknown[] => [code, reason, wasClean];

/** Checks that it ended for good: no timer is left that could go on. */
function assertOver(socket: ResumeSocket, timers: ManualTimers, connections: number, sidecar: FakeSidecar): void {
  assert.equal(socket.readyState, socket.CLOSED);
  assert.equal(socket.connected, false);
  assert.equal(timers.count, 0);
  assert.equal(sidecar.connections.length, connections);
}

test('close() ends the channel, and the workspace gets the code', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ timers });
  const closed = once(socket, 'close');
  socket.send('last');
  socket.close(1000, 'done');
  assert.equal(socket.readyState, socket.CLOSING);
  assert.deepEqual(says(await closed), [1000, 'done', true]);
  await until('the workspace got it', () => sidecar.ends.length === 1);
  assert.deepEqual(sidecar.ends, [{ code: 1000, reason: 'done' }]);
  assertOver(socket, timers, 1, sidecar);
  socket.send('too late');
  assert.ok(socket.bufferedAmount >= 8);
});

test('close() takes the codes and reasons that browsers take, and 1000 for none', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  for (const code of [1001, 1006, 2999, 5000, 3000.5]) assert.throws(() => socket.close(code), { name: 'InvalidAccessError' });
  assert.throws(() => socket.close(4000, 'ä'.repeat(62)), { name: 'SyntaxError' });
  socket.close();
  socket.close(4000);
  await once(socket, 'close');
  await until('the workspace got it', () => sidecar.ends.length === 1);
  assert.deepEqual(sidecar.ends, [{ code: 1000, reason: '' }]);
});

test('close() waits until a full window let everything through', async (t) => {
  const sidecar = await FakeSidecar.start(t, { bufferBytes: 200, maxEnvelopeBytes: 109, workspace: () => undefined });
  const socket = await sidecar.opened();
  const { channel } = sidecar;
  socket.send('x'.repeat(5000));
  socket.close(4001);
  assert.deepEqual(says(await once(socket, 'close')), [4001, '', true]);
  assert.deepEqual(channel.messages, ['x'.repeat(5000)]);
});

test('close() comes through when the connection is lost at that moment', async (t) => {
  const sidecar = await FakeSidecar.start(t, { workspace: () => undefined });
  const socket = await sidecar.opened();
  const { channel } = sidecar;
  const gone = once(socket, 'disconnect');
  sidecar.last.ws.terminate();
  await gone;
  socket.send('last');
  socket.close(4002, 'bye');
  assert.deepEqual(says(await once(socket, 'close')), [4002, 'bye', true]);
  assert.deepEqual(channel.messages, ['last']);
  await until('the workspace got the code', () => sidecar.ends.length === 1);
  assert.deepEqual(sidecar.ends, [{ code: 4002, reason: 'bye' }]);
});

test('close() gives up when nobody answers', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ timers });
  sidecar.last.ws.pause();
  const closed = once(socket, 'close');
  socket.close();
  timers.advance(10_000);
  const { code, wasClean } = await closed;
  assert.deepEqual([code, wasClean], [1006, false]);
  assert.equal(timers.count, 0);
  sidecar.last.ws.resume();
});

test('close() before `open` is the end at once', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = sidecar.client({ timers });
  const closed = once(socket, 'close');
  socket.close();
  assert.deepEqual(says(await closed), [1006, 'closed before it was open', false]);
  assertOver(socket, timers, 0, sidecar);
});

for (const code of [1000, 1011, 4000, 4401, 4403, 4409]) {
  test(`a Close ${code} is final, and all messages come before it`, async (t) => {
    const timers = new ManualTimers();
    const sidecar = await FakeSidecar.start(t);
    const socket = await sidecar.opened({ timers });
    const data = recordData(socket);
    const gone = record(socket, 'disconnect');
    const lost = record(socket, 'lost');
    const closed = once(socket, 'close');
    sidecar.send(sidecar.channel, 'last');
    sidecar.last.ws.close(code, 'why');
    assert.deepEqual(says(await closed), [code, 'why', true]);
    assert.deepEqual([data, gone, lost], [['last'], [], []]);
    assertOver(socket, timers, 1, sidecar);
  });
}

for (const code of [1001, 1005, 1012, 1013, 4321, 4404]) {
  test(`a workspace that closes with ${code} is the end, whatever the code means of a sidecar`, async (t) => {
    const timers = new ManualTimers();
    const sidecar = await FakeSidecar.start(t);
    const socket = await sidecar.opened({ timers });
    const data = recordData(socket);
    const lost = record(socket, 'lost');
    const closed = once(socket, 'close');
    sidecar.send(sidecar.channel, 'last');
    sidecar.last.say({ type: 'closed', code, reason: 'why' });
    sidecar.last.ws.close(1000);
    assert.deepEqual(says(await closed), [code, 'why', true]);
    assert.deepEqual([data, lost], [['last'], []]);
    assertOver(socket, timers, 1, sidecar);
  });
}

test('attempts to come back are counted', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const back = once(socket, 'reconnect');
    sidecar.last.ws.terminate();
    await back;
    assert.equal(sidecar.last.of('resume')[0]?.['attempt'], attempt);
  }
});

test('a message that the sidecar does not take is refused by send()', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  assert.throws(() => socket.send(new ArrayBuffer((1 << 24) + 1)), { name: 'QuotaExceededError' });
  assert.equal(socket.bufferedAmount, 0);
});

test('a refusal of the first connection is final too', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t, { admit: () => ({ code: 4401, reason: 'sign in again' }) });
  const socket = sidecar.client({ timers });
  const opened = record(socket, 'open');
  assert.deepEqual(says(await once(socket, 'close')), [4401, 'sign in again', true]);
  assert.deepEqual(opened, []);
  assertOver(socket, timers, 1, sidecar);
});

test('a newer connection takes the channel, and this one ends with 4409', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  const closed = once(socket, 'close');
  const { name } = sidecar.channel;
  const { WebSocket } = await import('ws');
  const newer = new WebSocket(socket.url, ['coditect.resume.v1']);
  newer.once('open', () => newer.send(JSON.stringify({ type: 'resume', channel: name, received: 0 })));
  assert.equal((await closed).code, 4409);
  assert.equal(sidecar.channels.size, 1);
  newer.terminate();
});

test('a channel that is gone is told with what may be lost, and a new one is opened', async (t) => {
  const sidecar = await FakeSidecar.start(t, { acks: false, workspace: () => undefined });
  const socket = await sidecar.opened();
  const opened = record(socket, 'open');
  const old = sidecar.channel;
  socket.send('arrived');
  socket.send('arrived too');
  await until('both arrived', () => old.messages.length === 2);
  const lost = once(socket, 'lost');
  const back = once(socket, 'reconnect');
  socket.addEventListener('disconnect', () => socket.send('never sent'), { once: true });
  socket.addEventListener('lost', () => socket.send('for the new channel'));
  sidecar.channels.clear();
  sidecar.last.ws.terminate();
  const { unacknowledged, code } = await lost;
  assert.deepEqual({ unacknowledged, code }, { unacknowledged: 3, code: 4404 });
  assert.equal((await back).resumed, false);
  await until('the new channel got its message', () => sidecar.channel.messages.length === 1);
  assert.deepEqual(sidecar.channel.messages, ['for the new channel']);
  assert.deepEqual(sidecar.last.texts[0], { type: 'open' });
  assert.deepEqual(opened, []);
});

test('with onLost close, a channel that is gone is the end', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ timers, onLost: 'close' });
  const lost = once(socket, 'lost');
  const closed = once(socket, 'close');
  sidecar.last.ws.close(4404, 'gone');
  assert.equal((await lost).unacknowledged, 0);
  assert.deepEqual(says(await closed), [4404, 'gone', true]);
  assertOver(socket, timers, 1, sidecar);
});

test('a sidecar that restarts is left alone for as long as it asks, and then gets a new channel', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ timers });
  const events: string[] = [];
  for (const type of ['lost', 'disconnect', 'reconnect'] as const) socket.addEventListener(type, () => events.push(type));
  const gone = once(socket, 'disconnect');
  sidecar.channels.clear();
  sidecar.last.ws.close(1012, 'retry after 1700 ms');
  assert.equal((await gone).delay, 1700);
  const back = once(socket, 'reconnect');
  timers.advance(1699);
  assert.equal(timers.count, 1);
  timers.advance(1);
  assert.equal((await back).resumed, false);
  assert.deepEqual(events, ['lost', 'disconnect', 'reconnect']);
});

test('a restart before the first channel loses nothing', async (t) => {
  let refused = false;
  const sidecar = await FakeSidecar.start(t, { admit: () => (refused ? undefined : ((refused = true), { code: 1012, reason: 'retry after 3 ms' })) });
  const socket = sidecar.client();
  const lost = record(socket, 'lost');
  const data = recordData(socket);
  socket.send('early');
  await until('the echo came', () => data.length === 1);
  assert.deepEqual(lost, []);
});

test('handlers may close the socket at any moment', async (t) => {
  for (const type of ['open', 'disconnect', 'reconnect', 'lost', 'message'] as const) {
    const sidecar = await FakeSidecar.start(t);
    const socket = sidecar.client({ timers: quickened(20) });
    const closed = once(socket, 'close');
    const ends = record(socket, 'close');
    socket.addEventListener(type, () => socket.close(4003));
    socket.addEventListener('open', () => {
      socket.send('echo');
      if (type === 'lost') sidecar.channels.clear();
      if (type !== 'message') sidecar.last.ws.terminate();
    });
    await closed;
    assert.equal(ends.length, 1, type);
    assert.equal(socket.readyState, socket.CLOSED, type);
  }
});
