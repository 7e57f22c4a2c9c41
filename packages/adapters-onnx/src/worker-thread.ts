import { networkWorker, type WorkerReply, type WorkerRequest } from './network-worker.ts'

/** A thread of its own that loads and runs networks. */
export interface WorkerThread {
  post(request: WorkerRequest): void
  /** Ends it at once, in the middle of a run too. Settles once it has stopped, which native code does not do before it returns. */
  terminate(): Promise<void>
  /** Whether the process stays alive for it. */
  hold(held: boolean): void
}

export interface WorkerListeners {
  onReply(reply: WorkerReply): void
  /** It ended without having been told to. */
  onEnd(why: string): void
}

// Compilers that keep functions' names call this around each.
const prelude = 'const __name = (target) => target;'
const main = networkWorker.toString()
// Node takes a text for a module or for CommonJS by its own flags; this is both.
const inNode = `${prelude}
import("node:worker_threads").then(({ parentPort }) => (${main})({
  onRequest: (listener) => parentPort.on('message', listener),
  reply: (reply, transfer) => parentPort.postMessage(reply, transfer),
}, (url) => import(url)));`
const inBrowser = `${prelude}
(${main})({
  onRequest: (listener) => { self.onmessage = ({ data }) => listener(data) },
  reply: (reply, transfer) => self.postMessage(reply, transfer),
}, (url) => import(url));`

/** Starts a thread: a worker of Node's where there is Node, else one of the web's. */
export function startThread(listeners: WorkerListeners): WorkerThread {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> }
  // Asked for at run time, so that bundlers for browsers have nothing to resolve.
  const threads = process?.getBuiltinModule?.('node:worker_threads')
  return threads === undefined ? webThread(listeners) : nodeThread(threads.Worker, listeners)
}

function webThread({ onReply, onEnd }: WorkerListeners): WorkerThread {
  const url = URL.createObjectURL(new Blob([inBrowser], { type: 'text/javascript' }))
  const worker = new Worker(url, { type: 'module' })
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(url)
    onReply(data)
  }
  worker.onerror = (event) => {
    event.preventDefault()
    URL.revokeObjectURL(url)
    worker.terminate()
    onEnd(event.message || 'the worker’s script could not be started; does the page’s policy allow blob: workers?')
  }
  return { post: (request) => worker.postMessage(request), terminate: async () => worker.terminate(), hold() {} }
}

type NodeWorkerClass = ReturnType<typeof process.getBuiltinModule<'node:worker_threads'>>['Worker']

function nodeThread(NodeWorker: NodeWorkerClass, { onReply, onEnd }: WorkerListeners): WorkerThread {
  const worker = new NodeWorker(inNode, { eval: true, execArgv: [], name: 'dinrail-onnx' })
  let ended = false
  const end = (why: string) => {
    if (ended) return
    ended = true
    onEnd(why)
  }
  worker.on('message', onReply)
  worker.on('error', ({ message }) => end(message))
  worker.on('exit', (code) => end(`it exited with ${code}`))
  return {
    post: (request) => worker.postMessage(request),
    async terminate() {
      ended = true
      await worker.terminate().catch(() => {})
    },
    hold: (held) => (held ? worker.ref() : worker.unref()),
  }
}
