import type { Reply, RunResult, Warning } from '@dinrail/core'

/** Another model's reply as one's own result: who answered stays visible, and why others did not is warned of. */
export function passOn<Out>(reply: Reply<Out>, reasons: readonly Warning[]): RunResult<Out> {
  const { output, confidence, quality, servedBy } = reply
  return { output, confidence, quality, servedBy, warnings: [...reasons, ...reply.warnings] }
}
