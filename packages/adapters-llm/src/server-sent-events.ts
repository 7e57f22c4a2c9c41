/** The data of each server-sent event, however the bytes were cut. Comments and other fields are passed over. */
export async function* eventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true })
    for (;;) {
      const end = rest.search(/[\r\n]/)
      // A carriage return at the very end may be half of a line end.
      if (end === -1 || (rest[end] === '\r' && end === rest.length - 1)) break
      const line = rest.slice(0, end)
      rest = rest.slice(rest.startsWith('\r\n', end) ? end + 2 : end + 1)
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
      if (line !== '' || data.length === 0) continue
      yield data.join('\n')
      data = []
    }
  }
  // Some servers leave out the empty line after their last event.
  const last = rest.trimEnd()
  if (last.startsWith('data:')) data.push(last.slice(5).trimStart())
  if (data.length > 0) yield data.join('\n')
}
