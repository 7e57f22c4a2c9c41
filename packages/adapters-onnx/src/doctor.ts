import type { OnnxRuntime } from './runtime.ts'

/** What this machine can do for small models. */
export interface Diagnosis {
  /** Names and versions, as the runtime states them; empty where none was passed in. */
  readonly runtime: Readonly<Record<string, string>>
  /** Such as `node 20.20.2`, `browser` or `worker`. */
  readonly host: string
  readonly cores: number | undefined
  /** WebAssembly with 128-bit vectors, without which onnxruntime-web does not load. */
  readonly simd: boolean
  /** Whether WebAssembly may use several threads. */
  readonly threads: boolean
  /** Whether a WebGPU adapter answers. */
  readonly webgpu: boolean
  /** Whether half floats are numbers of their own here. */
  readonly float16: boolean
  readonly problems: readonly DiagnosedProblem[]
}

export interface DiagnosedProblem {
  /** `error` where a model cannot run, `warning` where it runs worse than it could. */
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly fix: string
}

interface Host {
  readonly process?: { readonly versions?: { readonly node?: string }; getBuiltinModule?(id: string): unknown }
  readonly navigator?: { readonly hardwareConcurrency?: number; readonly gpu?: { requestAdapter(): Promise<unknown> } }
  readonly crossOriginIsolated?: boolean
  readonly WorkerGlobalScope?: unknown
  readonly Float16Array?: unknown
}

interface RuntimeEnvironment {
  readonly versions?: Readonly<Record<string, string>>
  readonly wasm?: { readonly numThreads?: number }
}

/** Says what this machine can do for small models, and what to change where it cannot. */
export async function doctor(runtime?: OnnxRuntime & { readonly env?: unknown }): Promise<Diagnosis> {
  const host = globalThis as unknown as Host
  const environment = (runtime?.env ?? {}) as RuntimeEnvironment
  const node = host.process?.versions?.node
  const found = {
    runtime: { ...environment.versions },
    host: node !== undefined ? `node ${node}` : host.WorkerGlobalScope !== undefined ? 'worker' : 'browser',
    cores: coresOf(host),
    simd: hasSimd(),
    threads: typeof SharedArrayBuffer !== 'undefined' && (node !== undefined || host.crossOriginIsolated === true),
    webgpu: await hasWebGpu(host),
    float16: host.Float16Array !== undefined,
  }
  const threads = environment.wasm?.numThreads
  return { ...found, problems: problemsOf(found, node, threads, runtime !== undefined) }
}

function problemsOf(
  { simd, threads, cores, runtime }: Omit<Diagnosis, 'problems'>,
  node: string | undefined,
  numThreads: number | undefined,
  isGiven: boolean,
): DiagnosedProblem[] {
  const problems: DiagnosedProblem[] = []
  const isNative = runtime.node !== undefined
  if (!simd && !isNative)
    problems.push({
      severity: 'error',
      message: 'WebAssembly has no 128-bit vectors here, so onnxruntime-web cannot load',
      fix: 'use a newer browser or Node, or onnxruntime-node',
    })
  if (node !== undefined && isOlder(node, [20, 19]))
    problems.push({ severity: 'error', message: `Node ${node} is too old`, fix: 'use Node 20.19 or newer' })
  if (!isGiven)
    problems.push({
      severity: 'warning',
      message: 'no runtime was looked at',
      fix: "pass it: import * as ort from 'onnxruntime-web'; await doctor(ort)",
    })
  const many = (numThreads ?? 0) > 1 ? `is set to ${numThreads} threads` : 'decides on its threads itself'
  if (isGiven && !isNative && numThreads !== 1 && threads)
    problems.push({
      severity: 'warning',
      message: `onnxruntime-web ${many}${cores === undefined ? '' : `, of ${cores} cores`}: on busy cores several lose two to three times`,
      fix: 'ort.env.wasm.numThreads = 1 before the first model is loaded',
    })
  if (node === undefined && !threads)
    problems.push({
      severity: 'warning',
      message: 'WebAssembly has one thread here, since the page is not isolated from other origins',
      fix: 'send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or stay with one',
    })
  return problems
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [has = 0, hasMinor = 0] = version.split('.').map(Number)
  return has < major || (has === major && hasMinor < minor)
}

function coresOf({ navigator, process }: Host): number | undefined {
  if (navigator?.hardwareConcurrency !== undefined) return navigator.hardwareConcurrency
  const os = process?.getBuiltinModule?.('node:os') as { availableParallelism?(): number } | undefined
  return os?.availableParallelism?.()
}

/** A function that splats a number over a vector. */
const vectorModule = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
)

function hasSimd(): boolean {
  return typeof WebAssembly !== 'undefined' && WebAssembly.validate(vectorModule)
}

async function hasWebGpu({ navigator }: Host): Promise<boolean> {
  try {
    return (await navigator?.gpu?.requestAdapter()) != null
  } catch {
    return false
  }
}
