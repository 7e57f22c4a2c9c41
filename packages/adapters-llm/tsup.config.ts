import { packageBuild } from '../../tsup.preset.ts'

export default packageBuild({ index: 'src/index.ts', local: 'src/local.ts', node: 'src/node.ts' })
