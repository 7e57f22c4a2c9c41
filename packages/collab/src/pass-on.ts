import type { Reply, RunResult } from '@dinrail/core'

/** Another model's reply as one's own result: who answered stays visible, and why others did not is a warning. */
export function passOn<Out>(reply: Reply<Out>, code: string, reasons: readonly string[]): RunResult<Out> {
  const { output, confidence, quality, servedBy } = reply
  const warnings = reasons.length === 0 ? reply.warnings : [{ code, message: reasons.join('; ') }, ...reply.warnings]
  return { output, confidence, quality, servedBy, warnings }
}
