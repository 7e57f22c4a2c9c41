/** A call's id in a form that the server takes: the same for the same id, in a call and in its result. */
export function wireId(callId: string, taken: RegExp): string {
  if (taken.test(callId)) return callId
  let hash = 0xcbf29ce484222325n
  for (const sign of callId) hash = BigInt.asUintN(64, (hash ^ BigInt(sign.codePointAt(0)!)) * 0x100000001b3n)
  return hash.toString(36).padStart(9, '0').slice(-9)
}
