import { Fault } from '@dinrail/core'

/** Every topic that one installation uses. Nothing else is read or written. */
export interface Topics {
  /** Frames to an address; the address may have several segments. */
  frames(address: string): string
  /** The address of a frame's topic; undefined for every other topic. */
  addressOf(topic: string): string | undefined
  announcement(id: string, instance: string): string
  /** `{maker}/{name}/{instance}` of an announcement's topic; undefined for every other topic. */
  announcementKeyOf(topic: string): string | undefined
  session(sessionId: string): string
  /** The session of a state's topic; undefined for every other topic. */
  sessionOf(topic: string): string | undefined
  /** A side sends to itself here, to learn that the broker has delivered what came before. */
  echo(sessionId: string): string
  readonly everyAnnouncement: string
  readonly everySession: string
}

/** MQTT lengths of topics are 16 bits; a third leaves room for three bytes of UTF-8 a character. */
const longestTopic = 21_000

export function topicsUnder(prefix: string): Topics {
  if (problemOf(prefix) !== undefined || prefix.startsWith('$'))
    throw new TypeError(`the topic prefix '${prefix}' ${problemOf(prefix) ?? 'begins with $'}`)
  const frames = `${prefix}/v1/frames/`
  const models = `${prefix}/v1/models/`
  const sessions = `${prefix}/v1/sessions/`
  return {
    frames: (address) => frames + checked('address', address),
    addressOf: (topic) => restOf(topic, frames),
    announcement: (id, instance) => `${models}${checked('id', id)}/${segment('instance', instance)}`,
    announcementKeyOf: (topic) => restOf(topic, models),
    session: (sessionId) => sessions + segment('sessionId', sessionId),
    sessionOf: (topic) => restOf(topic, sessions),
    echo: (sessionId) => `${prefix}/v1/echoes/${segment('sessionId', sessionId)}`,
    everyAnnouncement: `${models}+/+/+`,
    everySession: `${sessions}+`,
  }
}

function restOf(topic: string, beginning: string): string | undefined {
  return topic.startsWith(beginning) ? topic.slice(beginning.length) : undefined
}

function segment(what: string, text: string): string {
  if (text.includes('/')) throw new Fault('invalid-input', `${what} '${text}' holds a slash`, { field: `/${what}` })
  return checked(what, text)
}

/** A wildcard in a published topic makes brokers cut the connection, so it is refused here. */
function checked(what: string, text: string): string {
  const problem = problemOf(text)
  if (problem !== undefined)
    throw new Fault('invalid-input', `${what} '${text.slice(0, 80)}' ${problem}`, { field: `/${what}` })
  return text
}

function problemOf(text: string): string | undefined {
  if (text === '') return 'is empty'
  if (text.length > longestTopic) return `is longer than ${longestTopic} characters`
  if (text.includes('+') || text.includes('#') || text.includes('\0'))
    return 'holds one of the characters + # NUL, which MQTT keeps for itself'
  return undefined
}
