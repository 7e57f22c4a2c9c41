import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { secretHider, secretsOf } from './secrets.ts'

const sign = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
const secret = fc.string({ unit: sign, minLength: 12, maxLength: 60 })

describe('secrets', () => {
  it.each(['base64', 'base64url', 'hex'] as const)('are found in %s, whatever stands around them', (form) => {
    fc.assert(
      fc.property(
        secret,
        fc.string({ unit: sign, maxLength: 5 }),
        fc.string({ unit: sign, maxLength: 5 }),
        (key, before, after) => {
          const coded = Buffer.from(before + key + after).toString(form)
          const shown = secretHider([key])(`it said ${coded}.`)
          // What is left may only be signs that the neighbours have a part in.
          expect(shown).toContain('…')
          expect(shown.length).toBeLessThan('it said .…'.length + 2 * (before.length + after.length) + 8)
        },
      ),
    )
  })

  it('are found as they are, escaped and percent-encoded', () => {
    fc.assert(
      fc.property(secret, (key) => {
        const forms = [
          key,
          JSON.stringify({ key }),
          encodeURIComponent(key),
          JSON.stringify(key).replaceAll('/', '\\/'),
        ]
        const shown = secretHider([key])(forms.join(' '))
        for (const form of [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)])
          expect(shown).not.toContain(form)
      }),
    )
  })

  it.each([
    ['percent-encoded in small letters', 'sk-A/b+c', 'sk-A%2fb%2bc'],
    ['with a line’s end that only the file had', 'sk-from-a-file\n', 'sk-from-a-file'],
    ['cut off at the end', 'sk-0123456789', 'sk-012345'],
  ])('are found %s', (_, key, said) => {
    expect(secretHider([key])(`who is ${said}`)).toBe('who is …')
  })

  it('are in the query of an address, but for the version of its interface', () => {
    const url = new URL('https://works.azure.com/v1?code=s3cret-code&api-version=2024-10-21')
    expect(secretsOf({ url, headers: {} })).toEqual(['s3cret-code'])
  })

  it('leave a text as it is that holds none of them', () => {
    expect(secretHider(['sk-1234567890', undefined, ''])('the answer is 1234')).toBe('the answer is 1234')
  })

  it('do not leave their ends behind where one is part of another', () => {
    expect(secretHider(['gateway', 'gateway-token-77'])('gateway-token-77')).toBe('…')
  })
})
