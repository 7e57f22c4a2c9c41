import { Fault } from '@dinrail/core'

/** One server-sent event. */
export interface ServerEvent {
  /** Empty where the server gives none. */
  readonly name: string
  readonly data: string
}

/** Lines without data: an event's name, other fields of the standard, a comment. What is none of these was garbled, and its data would be missing. */
const dataless = /^(?:event: ?(?<name>[\w.:-]*)|(?:id|retry)(?::(?:\t|\P{Cc})*)?|:(?:\t|\P{Cc})*)$/u

/** Reads server-sent events, however the bytes are cut. Throws `unavailable` where they are garbled. */
export class EventReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true })
  private rest = ''
  /** Whether the rest ends in a carriage return; looking at the end of a line that grows would cost ever more. */
  private halfEnded = false
  private data: string[] = []
  private name = ''

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): ServerEvent[] {
    return this.lines(this.decoded(bytes))
  }

  /** What stands at the end without its empty line, which some servers leave out. */
  end(): ServerEvent[] {
    return this.lines(`${this.decoded()}\n\n`)
  }

  private decoded(bytes?: Uint8Array): string {
    try {
      return this.decoder.decode(bytes, { stream: bytes !== undefined })
    } catch {
      throw new Fault('unavailable', 'the server sent bytes that are not UTF-8')
    }
  }

  private lines(text: string): ServerEvent[] {
    // A line that only grows is not looked through again.
    if (!/[\r\n]/.test(text) && !this.halfEnded) {
      this.rest += text
      return []
    }
    let block = this.rest + text
    if (block.includes('\r')) {
      // A carriage return at the very end may be half of a line end.
      const held = block.endsWith('\r') ? 1 : 0
      const whole = block.slice(0, block.length - held).replace(/\r\n?/g, '\n')
      block = held === 1 ? `${whole}\r` : whole
    }
    const events: ServerEvent[] = []
    let from = 0
    for (let to = block.indexOf('\n'); to !== -1; to = block.indexOf('\n', from)) {
      const line = block.slice(from, to)
      from = to + 1
      if (line.startsWith('data:')) this.data.push(line.slice(line[5] === ' ' ? 6 : 5))
      else if (line === '') this.complete(events)
      else this.takeDataless(line)
    }
    this.rest = block.slice(from)
    this.halfEnded = this.rest.endsWith('\r')
    return events
  }

  private takeDataless(line: string): void {
    const found = dataless.exec(line)
    if (found === null) throw new Fault('unavailable', `the server sent a line that is no event: ${line.slice(0, 80)}`)
    if (found.groups?.name !== undefined) this.name = found.groups.name
  }

  private complete(events: ServerEvent[]): void {
    if (this.data.length > 0)
      events.push({ name: this.name, data: this.data.length === 1 ? this.data[0]! : this.data.join('\n') })
    this.data = []
    this.name = ''
  }
}
