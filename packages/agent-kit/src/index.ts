// Agents.
export type { AgentStep } from './agent-step.ts'
export { type AgentDefinition, type Budget, defineAgent } from './define-agent.ts'
export { toolName } from './toolbox.ts'
