// The conformance kit: checks are data, without a runner and without a dependency.
export { type ChatUnderTest, chatChecks } from './conformance/chat-checks.ts'
export { type ModelUnderTest, modelChecks } from './conformance/model-checks.ts'
export { type Check, type CheckResult, type Need, type Report, toJUnit, toReport } from './conformance/report.ts'
export { throughTransport } from './conformance/through-transport.ts'
export { type TransportUnderTest, transportChecks } from './conformance/transport-checks.ts'
