// Owns the events of ResumeSocket. Classes of their own: not every platform has CloseEvent, and none has the others.

import type { WorkspaceState } from './messages.js';

/** The end, after which nothing comes any more. */
export class SocketCloseEvent extends Event {
  constructor(readonly code: number, readonly reason: string, readonly wasClean: boolean) {
    super('close');
  }
}

/** Something that a developer or the user has to know. A `close` follows if it was the end. */
export class SocketErrorEvent extends Event {
  constructor(readonly error: Error) {
    super('error');
  }

  get message(): string {
    return this.error.message;
  }
}

/** The connection is lost, or an attempt to connect failed; the next attempt follows. */
export class DisconnectEvent extends Event {
  /**
   * @param attempt number of the next attempt, from 1, since a connection worked
   * @param delay milliseconds until then
   * @param code how the connection ended, 1006 for no Close
   */
  constructor(readonly attempt: number, readonly delay: number, readonly code: number, readonly reason: string) {
    super('disconnect');
  }
}

/** There is a connection again. */
export class ReconnectEvent extends Event {
  /**
   * @param resumed false when the channel is a new one, after a `lost`
   * @param attempts how many it took
   */
  constructor(readonly resumed: boolean, readonly attempts: number) {
    super('reconnect');
  }
}

/** The channel is gone: messages may be lost in both directions. */
export class LostEvent extends Event {
  /** @param unacknowledged messages given to send() that may not have arrived; they are not sent again */
  constructor(readonly unacknowledged: number, readonly code: number, readonly reason: string) {
    super('lost');
  }
}

/** The sidecar lost its connection to the workspace, or has it again. */
export class WorkspaceEvent extends Event {
  constructor(readonly state: WorkspaceState) {
    super('workspace');
  }
}

/** What a message event has as data. */
export type MessageData = string | ArrayBuffer | Blob;

export interface ResumeSocketEventMap {
  open: Event;
  message: MessageEvent<MessageData>;
  close: SocketCloseEvent;
  error: SocketErrorEvent;
  disconnect: DisconnectEvent;
  reconnect: ReconnectEvent;
  lost: LostEvent;
  workspace: WorkspaceEvent;
}
