import { packageBuild } from '../../tsup.preset.ts'

export default packageBuild({
  index: 'src/index.ts',
  'worker-pool': 'src/worker-pool.ts',
  'model-folder': 'src/model-folder.ts',
  'inspect-command': 'src/inspect-command.ts',
})
