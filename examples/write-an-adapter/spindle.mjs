// A spindle's temperature sensor and its growth model, as an equipment maker ships them. Check: npx dinrail-check spindle.mjs
import { defineModel, Fault } from '@dinrail/core'
import { jsonSchema } from '@dinrail/core/json-schema'

const micrometrePerMetreAndKelvin = 11.7

export const createSpindleGrowth = () =>
  defineModel({
    id: 'acme/spindle-growth',
    version: '1.0.0',
    title: 'How much longer the spindle is than at 20 °C',
    task: 'process-analysis',
    input: jsonSchema({
      type: 'object',
      properties: {
        bearing: {
          type: 'number',
          unit: 'Cel',
          maxAge: 2_000,
          limits: { physical: { min: -40, max: 200 }, training: { min: 10, max: 80 } },
        },
        length: { type: 'number', unit: 'm', limits: { physical: { min: 0.05, max: 5 } } },
      },
      required: ['bearing', 'length'],
    }),
    output: jsonSchema({
      type: 'object',
      properties: { growth: { type: 'number', unit: 'um' } },
      required: ['growth'],
    }),
    run({ bearing, length }) {
      const growth = micrometrePerMetreAndKelvin * length * (bearing - 20)
      if (growth < -500) throw new Fault('unavailable', 'the sensor reads as if it were disconnected')
      return { output: { growth }, confidence: 0.95 }
    },
  })

export const model = { create: createSpindleGrowth, input: { bearing: 40, length: 0.5 } }
