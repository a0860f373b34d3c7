import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeEnvelope, encodeEnvelope } from '../src/envelope.js';
import { ProtocolViolation } from '../src/violation.js';

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

test('envelopes have the form of the document', () => {
  const text = encodeEnvelope({ number: 0x0102, text: true, ends: true, piece: bytes(97, 98) });
  assert.deepEqual([...text], [3, 0, 0, 0, 0, 0, 0, 1, 2, 97, 98]);
  const piece = encodeEnvelope({ number: 1, text: false, ends: false, piece: bytes() });
  assert.deepEqual([...piece], [0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

test('envelopes come back as they were', () => {
  for (const number of [1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
    for (const [text, ends] of [[true, true], [true, false], [false, true], [false, false]] as const) {
      const envelope = { number, text, ends, piece: bytes(1, 2, 3) };
      assert.deepEqual(decodeEnvelope(encodeEnvelope(envelope).buffer), envelope);
    }
  }
});

test('what is no envelope is a violation', () => {
  const wrong = [[], [3], [3, 0, 0, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0, 0, 1], [3, 0, 0, 0, 0, 0, 0, 0, 0], [3, 255, 0, 0, 0, 0, 0, 0, 1]];
  for (const values of wrong) assert.throws(() => decodeEnvelope(bytes(...values).buffer), ProtocolViolation, String(values));
});
