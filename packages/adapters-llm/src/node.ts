// For Node: connections that are kept, certificates and proxies.
export { type NodeSender, type NodeSenderOptions, nodeSender } from './node-sender.ts'
