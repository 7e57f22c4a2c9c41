import { packageBuild } from '../../tsup.preset.ts'

export default packageBuild({
  index: 'src/index.ts',
  'json-schema': 'src/json-schema.ts',
  conformance: 'src/conformance.ts',
})
