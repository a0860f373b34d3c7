// Owns what the package offers.

export { DisconnectEvent, LostEvent, ReconnectEvent, SocketCloseEvent, SocketErrorEvent, WorkspaceEvent } from './events.js';
export type { MessageData, ResumeSocketEventMap } from './events.js';
export type { WorkspaceState } from './messages.js';
export { RESUME_PROTOCOL, SetupError } from './options.js';
export type { ResumeSocketOptions, Token } from './options.js';
export type { RawSocket, RawSocketConstructor } from './raw-socket.js';
export { ResumeSocket } from './resume-socket.js';
export type { Listener } from './socket-target.js';
export type { Timers } from './timers.js';
