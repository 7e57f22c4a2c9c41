import { packageBuild } from '../../tsup.preset.ts'

// The entries share functions that remember nothing: each may have its own.
export default packageBuild({ index: 'src/index.ts', local: 'src/local.ts', node: 'src/node.ts' }, { splitting: false })
