import { packageBuild } from '../../tsup.preset.ts'

export default packageBuild(
  {
    index: 'src/index.ts',
    'json-schema': 'src/json-schema.ts',
    conformance: 'src/conformance.ts',
    signature: 'src/signature.ts',
    opentelemetry: 'src/opentelemetry.ts',
    'check-command': 'src/check-command.ts',
  },
  { outside: '@dinrail/core' },
)
