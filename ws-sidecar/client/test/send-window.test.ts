import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEnvelope } from '../src/envelope.js';
import { SendWindow } from '../src/send-window.js';
import { ProtocolViolation } from '../src/violation.js';

const HEAD = 9;

function windowOf(bufferBytes: number, pieceBytes: number): SendWindow {
  const window = new SendWindow();
  window.limit(bufferBytes, pieceBytes + HEAD);
  return window;
}

const message = (length: number): { text: boolean; bytes: Uint8Array<ArrayBuffer> } => ({ text: false, bytes: new Uint8Array(length).fill(7) });

/** Takes all envelopes that may be sent, as [number, ends, length of the piece]. */
function drain(window: SendWindow): [number, boolean, number][] {
  const all: [number, boolean, number][] = [];
  for (let bytes = window.next(); bytes !== undefined; bytes = window.next()) {
    const { number, ends, piece } = decodeEnvelope(bytes.buffer);
    all.push([number, ends, piece.length]);
  }
  return all;
}

test('messages are cut, numbered and marked', () => {
  const window = windowOf(1000, 4);
  for (const length of [0, 4, 9]) window.push(message(length));
  assert.deepEqual(drain(window), [[1, true, 0], [2, true, 4], [3, false, 4], [4, false, 4], [5, true, 1]]);
  assert.equal(window.bufferedBytes, 13);
  window.acknowledge(4);
  assert.equal(window.bufferedBytes, 1);
  window.acknowledge(5);
  assert.equal(window.bufferedBytes, 0);
});

test('a full window waits for acknowledgements', () => {
  const window = windowOf(2 * (4 + HEAD), 4);
  window.push(message(16));
  assert.deepEqual(drain(window), [[1, false, 4], [2, false, 4]]);
  window.acknowledge(1);
  assert.deepEqual(drain(window), [[3, false, 4]]);
  window.acknowledge(3);
  assert.deepEqual(drain(window), [[4, true, 4]]);
  assert.equal(window.waiting, 0);
});

test('a window that is smaller than an envelope lets one at a time through', () => {
  const window = windowOf(1, 4);
  window.push(message(8));
  assert.deepEqual(drain(window), [[1, false, 4]]);
  assert.deepEqual(drain(window), []);
  window.acknowledge(1);
  assert.deepEqual(drain(window), [[2, true, 4]]);
});

test('resuming forgets what arrived and returns the rest in order', () => {
  const window = windowOf(1000, 4);
  window.push(message(12));
  drain(window);
  window.acknowledge(1);
  assert.deepEqual(window.resume(2).map((bytes) => decodeEnvelope(bytes.buffer).number), [3]);
  window.push(message(1));
  assert.deepEqual(drain(window), [[4, true, 1]]);
  assert.deepEqual(window.resume(4), []);
});

test('numbers that cannot be are violations, old ones say nothing', () => {
  const window = windowOf(1000, 4);
  window.push(message(8));
  assert.throws(() => window.acknowledge(1), ProtocolViolation);
  drain(window);
  window.acknowledge(2);
  window.acknowledge(1);
  assert.throws(() => window.acknowledge(3), ProtocolViolation);
  assert.throws(() => window.resume(1), ProtocolViolation);
  assert.throws(() => window.resume(3), ProtocolViolation);
});

test('messages without an acknowledgement are counted whole', () => {
  const window = windowOf(3 * (4 + HEAD), 4);
  for (let sent = 0; sent < 3; sent++) window.push(message(8));
  drain(window);
  assert.equal(window.unacknowledged, 3);
  window.acknowledge(1);
  assert.equal(window.unacknowledged, 3, 'half of the first is not acknowledged');
  window.acknowledge(2);
  assert.equal(window.unacknowledged, 2);
});

test('many small messages take no long time', () => {
  const window = windowOf(1 << 30, 4);
  for (let sent = 0; sent < 300_000; sent++) window.push(message(1));
  const start = performance.now();
  while (window.next() !== undefined);
  window.acknowledge(300_000);
  assert.ok(performance.now() - start < 10_000, 'linear, where array.shift() would be quadratic');
});
