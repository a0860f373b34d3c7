// Owns the text messages of the protocol: the JSON that is sent, and the reading of the JSON that comes.

import { ENVELOPE_HEAD_BYTES } from './limits.js';
import { ProtocolViolation } from './violation.js';

export interface Ready {
  readonly type: 'ready';
  readonly channel: string;
  readonly resumed: boolean;
  readonly received: number;
  readonly protocol: string;
  readonly bufferBytes: number;
  readonly maxEnvelopeBytes: number;
  readonly maxMessageBytes: number;
}

/** Whether the sidecar has its connection to the workspace. */
export type WorkspaceState = 'away' | 'back';

export type SidecarMessage =
  | Ready
  | { readonly type: 'ack'; readonly received: number }
  | { readonly type: 'pong'; readonly id: unknown }
  | { readonly type: 'workspace'; readonly state: WorkspaceState }
  | { readonly type: 'closed'; readonly code: number; readonly reason: string };

export const openMessage = (): string => JSON.stringify({ type: 'open' });
export const resumeMessage = (channel: string, received: number, attempt: number): string =>
  JSON.stringify({ type: 'resume', channel, received, attempt });
export const ackMessage = (received: number): string => JSON.stringify({ type: 'ack', received });
export const pingMessage = (id: number): string => JSON.stringify({ type: 'ping', id });

type Members = Readonly<Record<string, unknown>>;

/** Reads a text message. Undefined is one to be ignored: a type, or a state of the workspace, that is not known here. */
export function parseMessage(text: string): SidecarMessage | undefined {
  const members = parseObject(text);
  switch (members['type']) {
    case 'ready':
      return parseReady(members);
    case 'ack':
      return { type: 'ack', received: count(members, 'received', 0) };
    case 'pong':
      return { type: 'pong', id: members['id'] };
    case 'workspace': {
      const state = members['state'];
      return state === 'away' || state === 'back' ? { type: 'workspace', state } : undefined;
    }
    case 'closed':
      return { type: 'closed', code: count(members, 'code', 1000), reason: String(members['reason'] ?? '') };
    default:
      return undefined;
  }
}

function parseObject(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolViolation('a text message that is not JSON');
  }
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') {
    throw new ProtocolViolation('a text message without a type');
  }
  return value as Members & { type: string };
}

function parseReady(members: Members): Ready {
  const { channel, resumed, protocol } = members;
  if (typeof channel !== 'string' || channel === '') throw new ProtocolViolation('`ready` without a channel');
  if (typeof resumed !== 'boolean') throw new ProtocolViolation('`ready` does not say whether the channel was resumed');
  if (typeof protocol !== 'string') throw new ProtocolViolation('`ready` without a protocol');
  return {
    type: 'ready',
    channel,
    resumed,
    received: count(members, 'received', 0),
    protocol,
    bufferBytes: count(members, 'buffer_bytes', 1),
    maxEnvelopeBytes: count(members, 'max_envelope_bytes', ENVELOPE_HEAD_BYTES + 1),
    maxMessageBytes: count(members, 'max_message_bytes', 1),
  };
}

function count(members: Members, name: string, least: number): number {
  const value = members[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new ProtocolViolation(`\`${String(members['type'])}\` whose ${name} is not a whole number from ${least}`);
  }
  return value;
}
