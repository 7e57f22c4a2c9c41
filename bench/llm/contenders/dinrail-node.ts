import { chatModel } from '@dinrail/adapters-llm'
import { contenderOver } from './dinrail.ts'

export const contender = contenderOver((baseUrl) => chatModel({ baseUrl, model: 'mock' }))
