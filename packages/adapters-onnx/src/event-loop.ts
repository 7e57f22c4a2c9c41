/** The longest delay that a timer can hold. */
export const longestDelayMs = 2 ** 31 - 1

/**
 * Calls back when timers, sockets and other callbacks have had their turn. Taken once, so that a test with a clock of its
 * own does not stop it.
 */
export const nextTurn: (callback: () => void) => void =
  typeof setImmediate === 'function' ? bound(setImmediate) : byMessage()

function bound(immediate: (callback: () => void) => unknown): (callback: () => void) => void {
  return (callback) => {
    immediate(callback)
  }
}

/** In browsers: a nested `setTimeout` waits 4 ms, a message does not. */
function byMessage(): (callback: () => void) => void {
  const waiting: (() => void)[] = []
  let port: MessagePort | undefined
  return (callback) => {
    if (port === undefined) {
      const channel = new MessageChannel()
      channel.port1.onmessage = () => waiting.shift()?.()
      port = channel.port2
    }
    waiting.push(callback)
    port.postMessage(undefined)
  }
}
