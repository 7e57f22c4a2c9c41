// An equipment maker's script: a spindle's thermal growth becomes a model on the rail, and the kit says what it keeps.
import assert from 'node:assert/strict'
import { defineModel, invoke, sample } from '@dinrail/core'
import { modelChecks, toReport } from '@dinrail/core/conformance'
import { jsonSchema } from '@dinrail/core/json-schema'
import { Type } from '@sinclair/typebox'

const steelExpansion = 11.7 // µm per metre and kelvin

const createSpindleGrowth = () =>
  defineModel({
    id: 'acme/spindle-growth',
    version: '1.2.0',
    title: 'How much longer the spindle is than at 20 °C',
    task: 'process-analysis',
    input: jsonSchema(
      Type.Object({
        bearing: Type.Number({
          unit: 'Cel',
          limits: { physical: { min: -20, max: 150 }, training: { min: 10, max: 80 } },
        }),
        length: Type.Number({ unit: 'm', limits: { physical: { min: 0.05, max: 5 } } }),
      }),
    ),
    output: jsonSchema(Type.Object({ growth: Type.Number({ unit: 'um' }) })),
    run: ({ bearing, length }) => ({ output: { growth: steelExpansion * length * (bearing - 20) }, confidence: 0.95 }),
  })

const { output } = await invoke(
  createSpindleGrowth(),
  { bearing: sample(104, '[degF]'), length: sample(500, 'mm') },
  { deadlineMs: 50 },
)
console.log(`the spindle grew by ${output.growth.toFixed(1)} µm`)
assert.equal(output.growth.toFixed(1), '117.0')

const report = await toReport(await modelChecks({ create: createSpindleGrowth, input: { bearing: 40, length: 0.5 } }))
console.log(report.text)
assert(report.conforms)
