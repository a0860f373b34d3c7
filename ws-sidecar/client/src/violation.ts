// Owns the error for a sidecar that does not keep to the protocol, which ends the channel with 4400.

export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}
