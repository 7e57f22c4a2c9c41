import { connect } from '../connect.ts'
import { inProcessTransport } from '../in-process.ts'
import type { Model } from '../model.ts'
import { serve } from '../serve.ts'
import type { ModelUnderTest } from './model-checks.ts'
import type { TransportUnderTest } from './transport-checks.ts'

/**
 * The same model on the far side of a transport, of the in-process one unless stated: its checks must end as they do here, or the
 * transport changes what calls mean.
 * `input` and `output`, where given, let the caller's side validate too.
 */
export function throughTransport<In>(
  subject: ModelUnderTest<In>,
  { create }: TransportUnderTest = { create: inThisProcess },
): ModelUnderTest<In> {
  return {
    ...subject,
    async create() {
      const model = await subject.create()
      const { one, other } = await create()
      const service = await serve(model, one)
      const { id } = model.descriptor
      const schemas = model.schemas
      const proxy = (await (schemas === undefined
        ? connect(other, id, { deadlineMs: 5_000 })
        : connect(other, { id, ...schemas }, { deadlineMs: 5_000 }))) as Model<In, unknown, unknown>
      return {
        ...proxy,
        async dispose() {
          await service.close()
          await other.close()
          if (one !== other) await one.close()
          await model.dispose?.()
        },
      }
    },
  }
}

async function inThisProcess() {
  const transport = inProcessTransport()
  return { one: transport, other: transport }
}
