import { byFetch } from './by-hand.ts'
export const contender = byFetch
