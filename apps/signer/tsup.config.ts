import { library } from '@securemem/presets/tsup';

export default library({ main: 'src/main.ts' }, { format: ['esm'], dts: false });
