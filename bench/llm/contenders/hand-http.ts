import { byHttp } from './by-hand.ts'
export const contender = byHttp
