import fc from 'fast-check'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { connect, type Descriptor, defineModel, discover, inProcessTransport, serve } from './index.ts'
import { signDescriptor, trustedBy, verifyDescriptor } from './signature.ts'

/** The key of RFC 8037, appendix A: signatures with it are the same everywhere. */
const rfcKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
}
const { d: _, ...rfcPublicKey } = rfcKey
const keys = { maker: rfcPublicKey }

const gauge = defineModel({
  id: 'acme/gauge',
  version: '1.0.0',
  title: 'Gauge',
  task: 'process-analysis',
  input: z.object({ x: z.number() }),
  output: z.object({ x: z.number() }),
  run: ({ x }) => ({ output: { x } }),
})
const { descriptor } = gauge

describe('a signed descriptor', () => {
  it('is the same signature in every language, and says who signed', async () => {
    const plain = { ...descriptor, input: { type: 'object' }, output: { type: 'object' } }
    const signature = await signDescriptor(plain, rfcKey, 'maker')
    expect(signature).toBe(
      'eyJhbGciOiJFZERTQSIsImtpZCI6Im1ha2VyIn0..RRj0auxEJUVv-tDHQW-tXhP0cmtx267QNfitoEfrhIf8P914TelLM5G6QdHNTO-Pkmvl8fv66xSWwAw4ssfzBA',
    )
    expect(await verifyDescriptor(plain, signature, keys)).toBe('maker')
  })

  it('is refused when a character of it, or of its signature, was changed', async () => {
    const signature = await signDescriptor(descriptor, rfcKey, 'maker')
    const text = JSON.stringify(descriptor)
    const letters = [...text].flatMap((letter, at) => (/[a-z]/.test(letter) ? [at] : []))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...letters),
        fc.nat({ max: signature.length - 2 }),
        async (inText, inSignature) => {
          const changed = text.slice(0, inText) + (text[inText] === 'q' ? 'r' : 'q') + text.slice(inText + 1)
          let other: Descriptor | undefined
          try {
            other = JSON.parse(changed)
          } catch {
            other = undefined
          }
          if (other !== undefined)
            await expect(verifyDescriptor(other, signature, keys)).rejects.toMatchObject({ code: 'denied' })
          const forged =
            signature.slice(0, inSignature) +
            (signature[inSignature] === 'Q' ? 'R' : 'Q') +
            signature.slice(inSignature + 1)
          await expect(verifyDescriptor(descriptor, forged, keys)).rejects.toMatchObject({ code: 'denied' })
        },
      ),
      { numRuns: 50 },
    )
  })

  it('is refused under another key, an unknown key and another algorithm', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
    const stranger = await signDescriptor(descriptor, privateKey, 'maker')
    const unknown = await signDescriptor(descriptor, await exportJWK(privateKey), 'eve')
    const secret = new TextEncoder().encode('x'.repeat(32))
    const [header, , mac] = (
      await new CompactSign(new TextEncoder().encode('x'))
        .setProtectedHeader({ alg: 'HS256', kid: 'maker' })
        .sign(secret)
    ).split('.')
    const none = `${btoa('{"alg":"none","kid":"maker"}').replaceAll('=', '')}..AAAA`
    for (const signature of [stranger, unknown, `${header}..${mac}`, none, '', 'a.b.c', 'x..', '__proto__..x'])
      await expect(verifyDescriptor(descriptor, signature, keys)).rejects.toMatchObject({ code: 'denied' })
  })

  it('is what a caller may insist on', async () => {
    const transport = inProcessTransport()
    const trust = trustedBy(keys)
    const unsigned = await serve(gauge, transport)
    await expect(connect(transport, 'acme/gauge', { deadlineMs: 50, trust })).rejects.toMatchObject({ code: 'denied' })
    expect(await discover(transport, { trust })).toEqual([])
    await unsigned.close()
    await serve(gauge, transport, { signature: await signDescriptor(descriptor, rfcKey, 'maker') })
    expect((await connect(transport, 'acme/gauge', { deadlineMs: 50, trust })).descriptor).toEqual(descriptor)
    expect(await discover(transport, { trust })).toHaveLength(1)
  })
})
