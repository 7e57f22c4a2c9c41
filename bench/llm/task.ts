/** The work that every contender does; the mock server and the contenders must agree on it. */
export interface Contender {
  /** Lets the model call a tool `toolCalls` times, then gives its answer. */
  loop(url: string): Promise<string>
  /** Reads an answer of `deltas` deltas, gives how many characters it had. */
  stream(url: string): Promise<number>
}

export const toolCalls = 20
export const deltas = 5_000
export const question = 'Read all sensors and add them up.'
export const answer = '{"sum":42}'
/** `word 0 ` and the like. */
export const streamedCharacters = 7 * deltas
export const readSensor = (sensor: number) => ({ value: 2 * sensor })
export const parameters = {
  type: 'object',
  properties: { sensor: { type: 'number' } },
  required: ['sensor'],
}
