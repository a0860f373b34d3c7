// Owns what the end of a connection means for the channel.

import { LONGEST_RETRY_HINT_MS } from './limits.js';

const RESTART = 1012;
const TRY_LATER = 1013;
export const VIOLATION = 4400;
const NO_CHANNEL = 4404;
const TOO_LATE = 4408;
/** Stands for a Close without a code. */
export const NO_CODE = 1005;
/** Stands for an end without a Close. */
export const ABNORMAL = 1006;
const GOING_AWAY = 1001;

/**
 * - `retry`: the channel is kept or has not begun: come back.
 * - `lost`: the channel is gone, and what was not acknowledged may be too.
 * - `final`: nothing to come back to.
 */
export type Verdict = 'retry' | 'lost' | 'final';

export function judge(code: number, hasChannel: boolean): Verdict {
  switch (code) {
    case GOING_AWAY:
    case NO_CODE:
    case ABNORMAL:
    case TRY_LATER:
    case TOO_LATE:
      return 'retry';
    case RESTART:
      return hasChannel ? 'lost' : 'retry';
    case NO_CHANNEL:
      // Who asks for a new channel cannot be told that an old one is gone: then the code is the workspace's own.
      return hasChannel ? 'lost' : 'final';
    default:
      return 'final';
  }
}

/** Whether the next attempt may follow at once. */
export function mayReturnAtOnce(code: number): boolean {
  return code !== RESTART && code !== TRY_LATER;
}

/** The pause that the reason of a Close 1012 asks for, milliseconds. */
export function retryHint(code: number, reason: string): number | undefined {
  const ms = code === RESTART ? /^retry after (\d+) ms\b/.exec(reason)?.[1] : undefined;
  return ms === undefined ? undefined : Math.min(Number(ms), LONGEST_RETRY_HINT_MS);
}
