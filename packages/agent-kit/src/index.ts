// Agents.
export type { AgentStep } from './agent-step.ts'
export { type AgentDefinition, type Budget, defineAgent } from './define-agent.ts'
export { stepProblem } from './step-problem.ts'
export { toolName } from './toolbox.ts'
