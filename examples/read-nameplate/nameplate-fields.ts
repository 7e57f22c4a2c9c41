import { defineModel, Fault } from '@dinrail/core'
import { z } from 'zod'

const number = (unit: string) => z.number().meta({ unit })

/** From the lines of a motor's nameplate to its fields (IEC 60034-1 names them), each with its unit. */
export const nameplateFields = () =>
  defineModel({
    id: 'dinrail/nameplate-fields',
    version: '1.0.0',
    title: 'Fields of a motor’s nameplate',
    task: 'visual-recognition',
    input: z.object({ texts: z.array(z.string()) }),
    output: z.object({
      maker: z.string(),
      type: z.string(),
      power: number('kW'),
      voltage: number('V'),
      speed: number('1/min'),
      frequency: number('Hz'),
    }),
    run({ texts }) {
      const find = (what: string, pattern: RegExp) => {
        const match = texts.map((text) => pattern.exec(text)).find((one) => one !== null)
        if (texts.length === 0)
          throw new Fault('invalid-input', 'no text was found in the picture: take it again, closer and evenly lit')
        if (match?.[1] === undefined)
          throw new Fault('invalid-input', `no ${what} among the lines ${texts.join(' | ')}: take the picture again`)
        return match[1]
      }
      const measure = (what: string, unit: string) =>
        Number(find(what, new RegExp(`(\\d+(?:[.,]\\d+)?) ?${unit}`, 'i')).replace(',', '.'))
      return {
        output: {
          maker: find('maker', /^([A-Z][A-Z ]+[A-Z])$/),
          type: find('type', /^type ?:? ?(.+)$/i),
          power: measure('power', 'kW'),
          voltage: measure('voltage', 'V\\b'),
          speed: measure('speed', '(?:1|l)/min'),
          frequency: measure('frequency', 'Hz'),
        },
      }
    },
  })
