// The small parts: pauses, acknowledgements, pings, verdicts, texts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckSchedule } from '../src/ack-schedule.js';
import { Backoff } from '../src/backoff.js';
import { Heartbeat } from '../src/heartbeat.js';
import { parseMessage } from '../src/messages.js';
import { judge, retryHint } from '../src/verdict.js';
import { ProtocolViolation } from '../src/violation.js';
import { ManualTimers } from './helpers.js';

test('pauses: none, then doubling to 10 s, half of it random', () => {
  const least = new Backoff(() => 0);
  const most = new Backoff(() => 1);
  assert.deepEqual(Array.from({ length: 9 }, () => least.next(true)), [0, 125, 250, 500, 1000, 2000, 4000, 5000, 5000]);
  assert.deepEqual(Array.from({ length: 9 }, () => most.next(true)), [0, 250, 500, 1000, 2000, 4000, 8000, 10000, 10000]);
  assert.equal(most.attempts, 9);
  most.reset();
  assert.equal(most.next(false), 250, 'not at once');
  most.reset();
  assert.equal(most.asked(1234), 1234);
  assert.equal(most.next(true), 250, 'after the hint come pauses');
});

test('acknowledgements are due after 32 envelopes, 64 KiB or 200 ms', () => {
  const timers = new ManualTimers();
  let acks = 0;
  const schedule = new AckSchedule(timers, () => (acks += 1));
  for (let count = 0; count < 31; count++) schedule.arrived(10);
  assert.equal(acks, 0);
  schedule.arrived(10);
  assert.equal(acks, 1);
  schedule.arrived(65535);
  assert.equal(acks, 1);
  schedule.arrived(1);
  assert.equal(acks, 2);
  assert.equal(timers.count, 0);
  schedule.arrived(1);
  timers.advance(150);
  schedule.arrived(1);
  timers.advance(49);
  assert.equal(acks, 2);
  timers.advance(1);
  assert.equal(acks, 3);
  schedule.arrived(1);
  schedule.stop();
  timers.advance(1000);
  assert.equal(acks, 3);
});

function heartbeat(): { timers: ManualTimers; beat: Heartbeat; pings: number[]; deadAt: number[] } {
  const timers = new ManualTimers();
  const pings: number[] = [];
  const deadAt: number[] = [];
  const beat = new Heartbeat(timers, (id) => pings.push(id), () => deadAt.push(timers.now()));
  beat.start();
  return { timers, beat, pings, deadAt };
}

test('pings go out every 15 s, and 40 s of silence are the end', () => {
  const { timers, beat, pings, deadAt } = heartbeat();
  timers.advance(5);
  beat.pong(1);
  beat.heard();
  assert.equal(beat.roundTripMs, 5);
  timers.advance(39_999);
  assert.deepEqual([pings, deadAt], [[1, 2, 3], []]);
  timers.advance(1);
  assert.deepEqual(deadAt, [40_005]);
});

test('anything that comes ends the silence; pongs of older pings are not measured', () => {
  const { timers, beat, deadAt } = heartbeat();
  for (let second = 0; second < 120; second++) {
    timers.advance(1000);
    if (second % 30 === 29) beat.heard();
  }
  assert.deepEqual(deadAt, []);
  beat.pong(1);
  assert.equal(beat.roundTripMs, undefined);
  beat.stop();
  assert.equal(timers.count, 0);
});

test('timers that a browser holds back are no silence of the other side', () => {
  const timers = new ManualTimers();
  const onceAMinute = {
    now: () => timers.now(),
    setTimeout: (run: () => void, ms: number) => timers.setTimeout(run, Math.max(ms, 60_000)),
    clearTimeout: (handle: unknown) => timers.clearTimeout(handle),
  };
  let pings = 0;
  const beat = new Heartbeat(onceAMinute, () => (pings += 1), () => assert.fail('every ping is answered'));
  beat.start();
  for (let minute = 0; minute < 5; minute++) {
    beat.heard();
    timers.advance(60_000);
  }
  beat.stop();
  assert.equal(pings, 6);
});

test('codes: which are final, and which are not', () => {
  for (const code of [1001, 1005, 1006, 1013, 4408]) assert.deepEqual([judge(code, true), judge(code, false)], ['retry', 'retry'], String(code));
  assert.deepEqual([judge(1012, true), judge(1012, false)], ['lost', 'retry']);
  assert.deepEqual([judge(4404, true), judge(4404, false)], ['lost', 'final']);
  for (const code of [1000, 1002, 1011, 3000, 4000, 4400, 4401, 4403, 4409, 4999]) assert.equal(judge(code, true), 'final', String(code));
  assert.equal(retryHint(1012, 'retry after 1500 ms'), 1500);
  assert.equal(retryHint(1012, 'retry after 99999999 ms'), 60_000);
  assert.equal(retryHint(1012, 'restart'), undefined);
  assert.equal(retryHint(1013, 'retry after 1500 ms'), undefined);
});

test('texts: what is not known is ignored, what is broken is a violation', () => {
  assert.equal(parseMessage('{"type":"news","x":1}'), undefined);
  assert.equal(parseMessage('{"type":"workspace","state":"asleep"}'), undefined);
  assert.deepEqual(parseMessage('{"type":"ack","received":3,"more":[1]}'), { type: 'ack', received: 3 });
  const broken = [
    '', '{', 'null', '[]', '3', '{}', '{"type":1}', '{"type":"ack"}', '{"type":"ack","received":-1}', '{"type":"ack","received":1.5}',
    '{"type":"ack","received":"1"}', '{"type":"ready"}',
    '{"type":"ready","channel":"c","resumed":false,"received":0,"protocol":"","buffer_bytes":1,"max_envelope_bytes":9}',
    '{"type":"ready","channel":"","resumed":false,"received":0,"protocol":"","buffer_bytes":1,"max_envelope_bytes":10}',
  ];
  for (const text of broken) assert.throws(() => parseMessage(text), ProtocolViolation, text);
});
