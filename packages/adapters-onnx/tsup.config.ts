import { packageBuild } from '../../tsup.preset.ts'

export default packageBuild({
  index: 'src/index.ts',
  'worker-pool': 'src/worker-pool.ts',
  node: 'src/node.ts',
  'inspect-command': 'src/inspect-command.ts',
})
