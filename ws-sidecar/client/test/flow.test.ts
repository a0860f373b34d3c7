// Acknowledgements and the window.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeSidecar } from './fake-sidecar.js';
import { ManualTimers, once, recordData, until } from './helpers.js';

test('the client acknowledges after 32 envelopes, 64 KiB or 200 ms', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened({ timers });
  const data = recordData(socket);
  const acks = (): unknown[] => sidecar.last.of('ack').map(({ received }) => received);
  const send = async (count: number, message: string): Promise<void> => {
    const wanted = data.length + count;
    for (let sent = 0; sent < count; sent++) sidecar.send(sidecar.channel, message);
    await until('they arrived', () => data.length === wanted);
  };
  await send(32, 'a');
  await until('32 envelopes are acknowledged', () => acks().length === 1);
  await send(1, 'b'.repeat(65536 - 9));
  await until('64 KiB are acknowledged', () => acks().length === 2);
  await send(3, 'c');
  timers.advance(200);
  await until('200 ms later the rest is acknowledged', () => acks().length === 3);
  assert.deepEqual(acks(), [32, 33, 36]);
  await until('the sidecar may forget all', () => sidecar.channel.sent.length === 0);
});

test('a full window stops sending, and acknowledgements go on with it', async (t) => {
  const timers = new ManualTimers();
  const sidecar = await FakeSidecar.start(t, { bufferBytes: 1000, maxEnvelopeBytes: 109, acks: false, workspace: () => undefined });
  const socket = await sidecar.opened({ timers });
  socket.send(Buffer.alloc(2500));
  const { numbers } = sidecar.last;
  // The second ping follows all that was sent before it.
  timers.advance(15_000);
  await until('the ping came', () => sidecar.last.of('ping').length === 2);
  assert.equal(numbers.length, 9);
  assert.equal(socket.bufferedAmount, 2500);
  sidecar.last.say({ type: 'ack', received: 4 });
  await until('4 more came', () => numbers.length === 13);
  assert.equal(socket.bufferedAmount, 2100);
  sidecar.last.say({ type: 'ack', received: 13 });
  await until('9 more came', () => numbers.length === 22);
  sidecar.last.say({ type: 'ack', received: 22 });
  await until('the rest came', () => sidecar.channel.messages.length === 1);
  assert.deepEqual(numbers, Array.from({ length: 25 }, (_, index) => index + 1));
});

test('send() throws when too much waits, and again takes messages later', async (t) => {
  const sidecar = await FakeSidecar.start(t, { acks: false });
  const socket = await sidecar.opened({ maxBufferedBytes: 100 });
  socket.send('x'.repeat(60));
  socket.send('y'.repeat(40));
  assert.throws(() => socket.send('z'), { name: 'QuotaExceededError', message: /100 bytes are not acknowledged yet.*maxBufferedBytes \(100\)/ });
  await until('both came', () => sidecar.channel.messages.length === 2);
  sidecar.last.say({ type: 'ack', received: 1 });
  await until('there is room', () => socket.bufferedAmount === 40);
  socket.send('z'.repeat(60));
  await until('it came', () => sidecar.channel.messages.length === 3);
});

test('what is sent while there is no connection follows in order', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  const data = recordData(socket);
  const gone = once(socket, 'disconnect');
  sidecar.last.ws.terminate();
  await gone;
  assert.equal(socket.connected, false);
  assert.equal(socket.readyState, socket.OPEN);
  for (let index = 0; index < 100; index++) socket.send(String(index));
  await until('all came back', () => data.length === 100);
  assert.deepEqual(data, Array.from({ length: 100 }, (_, index) => String(index)));
});
