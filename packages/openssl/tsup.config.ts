import { library } from '@securemem/presets/tsup';

export default library({ index: 'src/index.ts' });
