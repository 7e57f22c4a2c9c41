/** Carries one request to a server. `fetchSender` does it everywhere; `nodeSender` of `@dinrail/adapters-llm/node` faster. */
export type Sender = (request: HttpRequest) => Promise<HttpResponse>

/** A POST. Whoever sends it must not follow redirects, since the headers hold a key. */
export interface HttpRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Ends the request and the reading of its answer. */
  readonly signal: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  /** By its lower-case name. */
  header(name: string): string | undefined
  /** The next bytes of the body; undefined at its end. Rejects where the connection breaks off. */
  read(): Promise<Uint8Array | undefined>
  /** Lets go of the connection, whether all was read or not. */
  close(): void
}

/** Sends by `fetch`, which browsers, workers, Node and Deno have. */
export function fetchSender(send: typeof fetch = fetch): Sender {
  return async ({ url, headers, body, signal }) => {
    const response = await send(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
    const reader = response.body?.getReader()
    let over = reader === undefined
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      async read() {
        if (reader === undefined || over) return undefined
        const { done, value } = await reader.read()
        over = done
        return value
      },
      close() {
        if (!over) reader?.cancel().catch(() => {})
        over = true
      },
    }
  }
}
