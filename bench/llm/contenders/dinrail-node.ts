import { chatModel } from '@dinrail/adapters-llm'
import { nodeSender } from '@dinrail/adapters-llm/node'
import { contenderOver } from './dinrail.ts'

const send = nodeSender()

/** As `dinrail`, over connections that Node keeps open. */
export const contender = contenderOver((baseUrl) => chatModel({ baseUrl, model: 'mock', send }))
