/**
 * Whether a test is skipped because a part that it needs is not on this machine. Where `.ci/run` has set DINRAIL_CI all parts must
 * be there, and the test fails in place of being skipped.
 */
export function isMissing(isThere: boolean): boolean {
  return !isThere && process.env.DINRAIL_CI === undefined
}
