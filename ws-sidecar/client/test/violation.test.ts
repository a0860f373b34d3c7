// A sidecar that does not keep to the protocol is answered with Close 4400.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws';
import { envelope } from './fake-channel.js';
import { FakeSidecar, type FakeConnection } from './fake-sidecar.js';
import { ManualTimers, once, record, recordData, until } from './helpers.js';

const ready = { type: 'ready', channel: 'c', resumed: false, received: 0, protocol: '', keep_ms: 1, buffer_bytes: 1, max_envelope_bytes: 100, max_message_bytes: 100 };

const wrong: [string, (connection: FakeConnection) => void][] = [
  ['a gap', (connection) => connection.envelope(envelope(3, 3, 'x'))],
  ['text that is not JSON', (connection) => connection.say('{"type":')],
  ['a text without a type', (connection) => connection.say('[1]')],
  ['an envelope that is too short', (connection) => connection.envelope(Buffer.alloc(8))],
  ['an empty envelope', (connection) => connection.envelope(Buffer.alloc(0))],
  ['an envelope that is too long', (connection) => connection.envelope(envelope(2, 3, 'x'.repeat(65537)))],
  ['unknown flags', (connection) => connection.envelope(envelope(2, 7, 'x'))],
  ['text that is not UTF-8', (connection) => connection.envelope(envelope(2, 3, Buffer.from([0xff])))],
  ['an acknowledgement of what was not sent', (connection) => connection.say({ type: 'ack', received: 2 })],
  ['a second `ready`', (connection) => connection.say(ready)],
];

for (const [name, misbehave] of wrong) {
  test(`${name} ends the channel`, async (t) => {
    const timers = new ManualTimers();
    const sidecar = await FakeSidecar.start(t, { workspace: () => undefined });
    const socket = await sidecar.opened({ timers });
    const data = recordData(socket);
    const error = once(socket, 'error');
    const closed = once(socket, 'close');
    socket.send('x');
    sidecar.send(sidecar.channel, 'good');
    misbehave(sidecar.last);
    sidecar.last.envelope(envelope(2, 3, 'after that nothing counts'));
    assert.match((await error).message, /does not keep to the resume protocol/);
    const { code, wasClean } = await closed;
    assert.deepEqual([code, wasClean], [4400, true]);
    await until('the sidecar was told', () => sidecar.ends.length === 1);
    assert.equal(sidecar.ends[0]?.code, 4400);
    assert.deepEqual(data, ['good']);
    assert.equal(timers.count, 0);
    assert.equal(sidecar.connections.length, 1);
  });
}

const wrongFirst: [string, (connection: FakeConnection) => void][] = [
  ['an envelope before `ready`', (connection) => connection.envelope(envelope(1, 3, 'x'))],
  ['an acknowledgement before `ready`', (connection) => connection.say({ type: 'ack', received: 0 })],
  ['a `ready` that resumes what was not there', (connection) => connection.say({ ...ready, resumed: true })],
  ['a `ready` that received what was not sent', (connection) => connection.say({ ...ready, received: 1 })],
  ['a `ready` without bounds', (connection) => connection.say({ ...ready, buffer_bytes: undefined })],
];

for (const [name, misbehave] of wrongFirst) {
  test(`${name} ends the attempt`, async (t) => {
    const sidecar = await FakeSidecar.start(t, {
      admit: (connection) => {
        misbehave(connection);
        connection.mute = true;
        return undefined;
      },
    });
    const socket = sidecar.client();
    const opened = record(socket, 'open');
    assert.equal((await once(socket, 'close')).code, 4400);
    assert.deepEqual(opened, []);
  });
}

test('a resumption that is answered with a new channel ends the channel', async (t) => {
  const sidecar = await FakeSidecar.start(t);
  const socket = await sidecar.opened();
  sidecar.settings.admit = (connection) => {
    connection.say(ready);
    connection.mute = true;
    return undefined;
  };
  sidecar.last.ws.terminate();
  assert.equal((await once(socket, 'close')).code, 4400);
});

test('a server that does not speak the protocol is refused', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'terminal.v2' });
  const ended: number[] = [];
  server.on('connection', (ws: ServerSocket) => ws.on('close', (code) => ended.push(code)));
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const sidecar = await FakeSidecar.start(t);
  const socket = sidecar.client({ protocols: ['terminal.v2'] }, (server.address() as { port: number }).port);
  assert.equal((await once(socket, 'close')).code, 4400);
  await until('the server was told', () => ended.length === 1);
  assert.deepEqual(ended, [4400]);
});
