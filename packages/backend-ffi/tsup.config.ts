import { bundling, library } from '@securemem/presets/tsup';

const overFfi = bundling('@securemem/over-ffi', '../over-ffi/src/index.ts');

export default library({ index: 'src/index.ts' }, overFfi);
