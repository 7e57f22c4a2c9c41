import type { Descriptor } from './descriptor.ts'

/**
 * Moves frames and announcements; knows nothing of models. Five methods, so that a new one takes an afternoon.
 * `serve` and `connect` are written once over any of them. Frames may be lost, doubled or reordered between
 * addresses; a frame that arrives is whole.
 */
export interface Transport {
  /** Receives what is sent to `address` until the returned function is called. Settles once it would miss nothing. */
  listen(address: string, receive: (frame: Uint8Array) => void): Promise<Stop>
  /** Hands a frame over. It need not arrive, and nothing needs to deliver it after `expiresInMs`. */
  send(address: string, frame: Uint8Array, expiresInMs: number): Promise<void>
  /** Publishes an instance. It stays visible until withdrawn, or until this side is found dead, whichever is first. */
  announce(announcement: Announcement): Promise<Stop>
  /** Reports every instance, those already there first: settles once all of those have been reported. */
  watch(observe: (event: AnnouncementEvent) => void): Promise<Stop>
  /** Withdraws everything and lets go of connections that it made itself. */
  close(): Promise<void>
}

export type Stop = () => Promise<void>

/** One running copy of a model. `model/instance` is unique; the call address is `models/{id}/{instance}`. */
export interface Announcement {
  readonly instance: string
  /** Where this instance listens for calls. */
  readonly address: string
  readonly descriptor: Descriptor
  /** Detached JWS over the descriptor's canonical form; whoever trusts signed descriptors only checks it. */
  readonly signature?: string
}

export type AnnouncementEvent =
  | { readonly kind: 'up'; readonly announcement: Announcement }
  | { readonly kind: 'gone'; readonly id: string; readonly instance: string; readonly reason: 'withdrawn' | 'lost' }
