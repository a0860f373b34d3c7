import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceiveWindow } from '../src/receive-window.js';
import { ProtocolViolation } from '../src/violation.js';

const piece = (number: number, flags: { text?: boolean; ends?: boolean }, bytes: Buffer | string = ''): Parameters<ReceiveWindow['accept']>[0] => ({
  number, text: flags.text ?? false, ends: flags.ends ?? false, piece: new Uint8Array(Buffer.from(bytes)),
});

test('pieces become messages, cut in the middle of characters too', () => {
  const text = '\ufeffaä€😀';
  const bytes = Buffer.from(text);
  for (let at = 0; at <= bytes.length; at++) {
    const window = new ReceiveWindow();
    assert.equal(window.accept(piece(1, { text: true }, bytes.subarray(0, at))), undefined);
    assert.equal(window.accept(piece(2, { text: true, ends: true }, bytes.subarray(at))), text);
    assert.equal(window.received, 2);
  }
});

test('binary messages are buffers of their own, and may be empty', () => {
  const window = new ReceiveWindow();
  const shared = Buffer.from('xxabcxx').subarray(2, 5);
  const message = window.accept({ number: 1, text: false, ends: true, piece: shared as Uint8Array<ArrayBuffer> });
  assert.ok(message instanceof Uint8Array);
  assert.equal(message.buffer.byteLength, 3);
  assert.deepEqual(window.accept(piece(2, { ends: true })), new Uint8Array());
  assert.equal(window.accept(piece(3, { text: true, ends: true })), '');
});

test('what was seen is ignored, in the middle of a message too', () => {
  const window = new ReceiveWindow();
  window.accept(piece(1, { text: true }, 'a'));
  assert.equal(window.accept(piece(1, { text: true, ends: true }, 'z')), undefined);
  assert.equal(window.accept(piece(2, { text: true, ends: true }, 'b')), 'ab');
  assert.equal(window.accept(piece(2, { text: true, ends: true }, 'b')), undefined);
  assert.equal(window.received, 2);
});

test('gaps, mixed messages and broken text are violations', () => {
  assert.throws(() => new ReceiveWindow().accept(piece(2, { ends: true })), ProtocolViolation);
  const mixed = new ReceiveWindow();
  mixed.accept(piece(1, { text: true }, 'a'));
  assert.throws(() => mixed.accept(piece(2, { ends: true }, 'b')), ProtocolViolation);
  const broken = new ReceiveWindow();
  broken.accept(piece(1, { text: true }, Buffer.from([0xc3])));
  assert.throws(() => broken.accept(piece(2, { text: true, ends: true }, 'b')), ProtocolViolation);
});
